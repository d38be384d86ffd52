-- The roster of every institution at once (R02), by the same rules as a claim's: days in the home, less those after death,
-- in hospital and in another home; then the beds and the amount of each institution, rounded where the calculator rounds.
WITH period AS (
  SELECT CAST($period_start AS DATE) AS first, CAST($period_end AS DATE) AS last
),
days AS (
  SELECT stays.stay, stays.resident, stays.institution, stays.scope_district AS district,
         greatest(first_day(stays.starts), period.first) AS began,
         CASE WHEN stays.ends IS NULL THEN period.last
              ELSE least(first_day(stays.ends) - CASE WHEN $occupied_day_of_leaving THEN 0 ELSE 1 END, period.last) END AS until
  FROM stays, period
  WHERE first_day(stays.starts) <= period.last
    AND (stays.ends IS NULL OR first_day(stays.ends) >= period.first)
),
hospital AS (
  SELECT days.stay,
         sum(greatest(date_diff('day', greatest(first_day(inpatient_stays.starts), days.began),
                                least(coalesce(first_day(inpatient_stays.ends), days.until), days.until)), 0)) AS nights
  FROM days JOIN inpatient_stays ON inpatient_stays.resident = days.resident
  GROUP BY days.stay
),
elsewhere AS (
  SELECT days.stay,
         sum(greatest(date_diff('day', greatest(first_day(other.starts), days.began),
                                least(coalesce(first_day(other.ends), days.until), days.until)) + 1, 0)) AS days
  FROM days
  JOIN stays AS other ON other.resident = days.resident AND other.institution <> days.institution
  GROUP BY days.stay
),
rows AS (
  SELECT days.institution, days.district, days.began, days.until,
         greatest(
           greatest(date_diff('day', days.began, days.until) + 1, 0)
           - CASE WHEN residents.deceased_time IS NULL OR first_day(residents.deceased_time) >= days.until THEN 0
                  WHEN first_day(residents.deceased_time) < days.began THEN greatest(date_diff('day', days.began, days.until) + 1, 0)
                  ELSE date_diff('day', first_day(residents.deceased_time), days.until) END
           - CASE WHEN $occupied_day_in_hospital THEN 0 ELSE coalesce(hospital.nights, 0) END
           - coalesce(elsewhere.days, 0), 0) AS counted
  FROM days
  CROSS JOIN period
  LEFT JOIN residents ON residents.resident = days.resident
  LEFT JOIN hospital ON hospital.stay = days.stay
  LEFT JOIN elsewhere ON elsewhere.stay = days.stay
),
homes AS (
  SELECT rows.institution, any_value(rows.district) AS district,
         CAST(sum(counted) AS DECIMAL(18, 0)) AS person_days,
         CAST(sum(CASE WHEN counted > 0 THEN month_ends(began, until) ELSE 0 END) AS DECIMAL(18, 0)) AS month_ends,
         count(*) FILTER (counted > 0 AND until = period.last) AS at_end,
         CAST(date_diff('day', any_value(period.first), any_value(period.last)) + 1 AS DECIMAL(18, 0)) AS length,
         CAST(month_ends(any_value(period.first), any_value(period.last)) AS DECIMAL(18, 0)) AS ends
  FROM rows CROSS JOIN period
  GROUP BY rows.institution
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
