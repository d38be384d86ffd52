-- Days that a person really lived in a home (R02), by stay and span: less those after death, in hospital and in another home.
-- Whoever uses it gives `spans` before: the period (first, last), whose (home, '' for every home), of which claim (task, ''
-- for none), and the day on which somebody who is in hospital without an end comes back (back; NULL: not within the span).
days AS (
  SELECT stays.stay, stays.resident, stays.institution, stays.scope_district AS district,
         spans.task, spans.first, spans.last, spans.back,
         greatest(first_day(stays.starts), spans.first) AS began,
         CASE WHEN stays.ends IS NULL THEN spans.last
              ELSE least(first_day(stays.ends) - CASE WHEN $occupied_day_of_leaving THEN 0 ELSE 1 END, spans.last) END AS until
  FROM stays
  JOIN spans ON spans.home IN ('', stays.institution) AND first_day(stays.starts) <= spans.last
            AND (stays.ends IS NULL OR first_day(stays.ends) >= spans.first)
),
hospital AS (
  SELECT days.stay, days.task, days.first, days.last,
         sum(greatest(date_diff('day', greatest(first_day(inpatient_stays.starts), days.began),
                                least(coalesce(first_day(inpatient_stays.ends),
                                               CASE WHEN days.back IS NULL THEN days.until
                                                    ELSE greatest(days.back, first_day(inpatient_stays.starts)) END),
                                      days.until)), 0)) AS nights
  FROM days JOIN inpatient_stays ON inpatient_stays.resident = days.resident
  GROUP BY days.stay, days.task, days.first, days.last
),
elsewhere AS (
  SELECT days.stay, days.task, days.first, days.last,
         sum(greatest(date_diff('day', greatest(first_day(other.starts), days.began),
                                least(coalesce(first_day(other.ends), days.until), days.until)) + 1, 0)) AS days
  FROM days
  JOIN stays AS other ON other.resident = days.resident AND other.institution <> days.institution
  GROUP BY days.stay, days.task, days.first, days.last
),
occupied AS (
  SELECT days.*, residents.birth_date,
         greatest(
           greatest(date_diff('day', days.began, days.until) + 1, 0)
           - CASE WHEN residents.deceased_time IS NULL OR first_day(residents.deceased_time) >= days.until THEN 0
                  WHEN first_day(residents.deceased_time) < days.began THEN greatest(date_diff('day', days.began, days.until) + 1, 0)
                  ELSE date_diff('day', first_day(residents.deceased_time), days.until) END
           - CASE WHEN $occupied_day_in_hospital THEN 0 ELSE coalesce(hospital.nights, 0) END
           - coalesce(elsewhere.days, 0), 0) AS counted
  FROM days
  LEFT JOIN residents ON residents.resident = days.resident
  LEFT JOIN hospital ON hospital.stay = days.stay AND hospital.task = days.task
                    AND hospital.first = days.first AND hospital.last = days.last
  LEFT JOIN elsewhere ON elsewhere.stay = days.stay AND elsewhere.task = days.task
                     AND elsewhere.first = days.first AND elsewhere.last = days.last
)
