-- The roster of every institution at once (R02), by the same rules as a claim's: days in the home, less those after death,
-- in hospital and in another home; then the beds and the amount of each institution, rounded where the calculator rounds.
WITH period AS (
  SELECT CAST($period_start AS DATE) AS first, CAST($period_end AS DATE) AS last
),
spans AS (
  SELECT '' AS home, '' AS task, first, last, CAST(NULL AS DATE) AS back FROM period
),
-- common
homes AS (
  SELECT occupied.institution, any_value(occupied.district) AS district,
         CAST(sum(counted) AS DECIMAL(18, 0)) AS person_days,
         CAST(sum(CASE WHEN counted > 0 THEN month_ends(began, until) ELSE 0 END) AS DECIMAL(18, 0)) AS month_ends,
         count(*) FILTER (counted > 0 AND until = period.last) AS at_end,
         CAST(date_diff('day', any_value(period.first), any_value(period.last)) + 1 AS DECIMAL(18, 0)) AS length,
         CAST(month_ends(any_value(period.first), any_value(period.last)) AS DECIMAL(18, 0)) AS ends
  FROM occupied CROSS JOIN period
  GROUP BY occupied.institution
),
beds AS (
  SELECT homes.*,
         CASE $operating_subsidy_counting
           WHEN 'average' THEN round(CAST(person_days AS DECIMAL(38, 12)) / length, 4)
           WHEN 'month-end' THEN CASE WHEN ends > 0 THEN round(CAST(month_ends AS DECIMAL(38, 12)) / ends, 4) ELSE 0 END
           ELSE at_end END AS counted_beds
  FROM homes
  JOIN organisations ON organisations.organisation = homes.institution
  WHERE organisations.filing = 'filed'
    AND (list_contains($operating_subsidy_natures, organisations.nature)
         OR ($subsidy_equal_treatment AND list_contains($subsidy_equal_forms, organisations.form)))
)
SELECT institution AS subject, district, institution,
       CAST(round(CASE WHEN $operating_subsidy_cap > 0 THEN least(counted_beds, $operating_subsidy_cap) ELSE counted_beds END
                  * $operating_subsidy_rate * length / $operating_subsidy_days, 2) AS DOUBLE) AS numerator,
       1 AS denominator
FROM beds
