WITH counted AS (
  SELECT r.unit, r.period_end, c.industry_group, c.middle, coalesce(c.confirmed, false) AS confirmed,
         r.output * r.coefficient AS output, r.intermediate * r.coefficient AS intermediate, r.revenue * r.coefficient AS revenue,
         r.compensation * r.coefficient AS compensation, r.net_taxes * r.coefficient AS net_taxes,
         r.depreciation * r.coefficient AS depreciation, r.surplus * r.coefficient AS surplus,
         r.jobs * r.coefficient AS jobs, r.tax * r.coefficient AS tax,
         (r.compensation + r.net_taxes + r.depreciation + r.surplus) * r.coefficient AS value_added
  FROM statistical_returns AS r JOIN industry_classes AS c ON c.class = r.unit_class
  WHERE r.state IN ('accepted', 'accounted', 'published', 'revised', 'archived') AND r.report_period = 'year'
    AND r.report_year = (SELECT max(report_year) FROM statistical_returns
                         WHERE state IN ('accepted', 'accounted', 'published', 'revised', 'archived') AND report_period = 'year')
), placed AS (
  SELECT *, row_number() OVER (PARTITION BY industry_group ORDER BY abs(value_added) DESC, unit) AS place FROM counted
), sized AS (
  SELECT industry_group, max(period_end) AS period_end, count(*) AS units, sum(output) AS output, sum(intermediate) AS intermediate,
         sum(revenue) AS revenue, sum(compensation) AS compensation, sum(net_taxes) AS net_taxes, sum(depreciation) AS depreciation,
         sum(surplus) AS surplus, sum(jobs) AS jobs, sum(tax) AS tax, sum(CASE WHEN confirmed THEN 0 ELSE 1 END) AS unconfirmed,
         count(*) < $publish_least_units OR sum(CASE WHEN place > 2 THEN abs(value_added) ELSE 0 END)
           < max(abs(value_added)) * $publish_dominance / 100 AS closed
  FROM placed GROUP BY industry_group
), closed_groups AS (
  SELECT count(*) AS groups, coalesce(sum(units), 0) AS units FROM sized WHERE closed
), ordered AS (
  -- one closed group alone would be the total less the others: the smallest other one is told with it
  SELECT *, row_number() OVER (PARTITION BY closed ORDER BY units, industry_group) AS place FROM sized
), parts AS (
  SELECT industry_group, unit, value_added, list_contains(string_split($sports_classes, ','), middle) AS sports,
         list_contains(string_split($tourism_linked_classes, ','), middle) AS tourism,
         list_contains(string_split($elder_care_classes, ','), middle) AS elder_care
  FROM counted
), part_sizes AS (
  SELECT 'sports' AS part, value_added FROM parts WHERE sports
  UNION ALL SELECT 'tourism', value_added FROM parts WHERE tourism
  UNION ALL SELECT 'elder_care', value_added FROM parts WHERE elder_care
), part_places AS (
  SELECT *, row_number() OVER (PARTITION BY part ORDER BY abs(value_added) DESC) AS place FROM part_sizes
), part_sums AS (
  SELECT part, count(*) >= $publish_least_units AND sum(CASE WHEN place > 2 THEN abs(value_added) ELSE 0 END)
           >= max(abs(value_added)) * $publish_dominance / 100 AS tellable
  FROM part_places GROUP BY part
), tellable AS (
  -- all sub-accounts or none: what is told of two tells the third
  SELECT coalesce(bool_and(tellable), false) AS yes FROM part_sums
), part_of_group AS (
  SELECT industry_group, sum(CASE WHEN sports THEN value_added END) AS sports, sum(CASE WHEN tourism THEN value_added END) AS tourism,
         sum(CASE WHEN elder_care THEN value_added END) AS elder_care
  FROM parts GROUP BY industry_group
)
SELECT g.class AS subject, g.scope_district AS district, o.industry_group, CAST(o.period_end AS VARCHAR) AS period_end, o.units,
       round(o.output, 2) AS output, round(o.intermediate, 2) AS intermediate, round(o.revenue, 2) AS revenue,
       round(o.compensation, 2) AS compensation, round(o.net_taxes, 2) AS net_taxes, round(o.depreciation, 2) AS depreciation,
       round(o.surplus, 2) AS surplus, round(o.jobs, 0) AS jobs, round(o.tax, 2) AS tax,
       CASE WHEN t.yes THEN round(p.sports, 2) END AS sports, CASE WHEN t.yes THEN round(p.tourism, 2) END AS tourism,
       CASE WHEN t.yes THEN round(p.elder_care, 2) END AS elder_care, o.unconfirmed,
       NOT o.closed AND NOT (o.place = 1 AND s.groups > 0 AND (s.groups = 1 OR s.units < $publish_least_units)) AS open_to_public,
       round(o.output - o.intermediate, 2) AS production,
       round(o.output - o.intermediate - o.compensation - o.net_taxes - o.depreciation - o.surplus, 2) AS discrepancy,
       coalesce(d.made, 0) AS made
FROM ordered AS o CROSS JOIN closed_groups AS s CROSS JOIN tellable AS t
JOIN industry_classes AS g ON g.code = o.industry_group
LEFT JOIN part_of_group AS p ON p.industry_group = o.industry_group
LEFT JOIN (SELECT industry_group, left(CAST(day AS VARCHAR), 4) AS year, count(*) AS made FROM group_accounts
           WHERE state <> 'withdrawn' GROUP BY industry_group, left(CAST(day AS VARCHAR), 4)) AS d
  ON d.industry_group = o.industry_group AND d.year = left(CAST(o.period_end AS VARCHAR), 4)
