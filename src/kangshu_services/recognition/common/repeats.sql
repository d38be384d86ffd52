allowed AS (
  SELECT test_reports.report, test_reports.resident_key, test_reports.item, test_reports.issuer, test_reports.day_first AS day,
         test_reports.day_first + CAST(recognition_items.days AS INTEGER) AS until
  FROM test_reports
  JOIN recognition_items ON recognition_items.code = test_reports.item AND recognition_items.status = 'active'
  WHERE test_reports.status IN ('final', 'amended', 'corrected')
    AND EXISTS (
      SELECT 1 FROM recognition_admissions
      WHERE recognition_admissions.institution = test_reports.issuer AND recognition_admissions.item = test_reports.item
        AND recognition_admissions.admitted_on_first <= test_reports.day_first
        AND recognition_admissions.valid_until_last >= test_reports.day_first)
), repeats AS (
  SELECT later.report, max(allowed.report) AS earlier, max(allowed.issuer) AS earlier_issuer, max(allowed.day) AS earlier_day,
         bool_or(EXISTS (
           SELECT 1 FROM recognition_cases
           WHERE recognition_cases.resident_key = later.resident_key AND recognition_cases.item = later.item
             AND recognition_cases.state IN ('refused', 'declined-by-patient')
             AND recognition_cases.offered_first BETWEEN allowed.day AND later.day_first)) AS explained
  FROM test_reports AS later
  JOIN allowed
    ON allowed.resident_key = later.resident_key AND allowed.item = later.item AND allowed.issuer <> later.issuer
   AND allowed.day < later.day_first AND allowed.until >= later.day_first
  WHERE later.status IN ('final', 'amended', 'corrected') AND later.day_first BETWEEN $period_start AND $period_end
  GROUP BY later.report
)
