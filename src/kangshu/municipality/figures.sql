-- What the residents of a block add to each figure that is held against a published one: figure, numerator, denominator.
-- Prevalences are weighted to the nation's ages of 2020, since that is what the surveys speak of.
WITH then_here AS (
  SELECT p.*, age_on(birth, census) AS age, coalesce(w.weight, 1.0) AS weight
  FROM people AS p LEFT JOIN weights AS w ON w.age = least(104, age_on(p.birth, p.census)) AND w.sex = p.sex
  WHERE birth < census
)
SELECT 'age-0-14', count_if(age < 15), count(*) FROM then_here
UNION ALL SELECT 'age-15-59', count_if(age BETWEEN 15 AND 59), count(*) FROM then_here
UNION ALL SELECT 'age-60', count_if(age >= 60), count(*) FROM then_here
UNION ALL SELECT 'age-65', count_if(age >= 65), count(*) FROM then_here
UNION ALL SELECT 'male', count_if(sex = 'male'), count(*) FROM then_here
UNION ALL SELECT 'household', count(*), count(DISTINCT household) FROM then_here
UNION ALL SELECT 'household-' || size, count(*), sum(count(*)) OVER () FROM (
  SELECT least(5, count(*)) AS size FROM then_here GROUP BY household) GROUP BY size
UNION ALL SELECT 'hypertension', sum(weight) FILTER (hypertension_on <= census), sum(weight) FROM then_here WHERE age >= 18
UNION ALL SELECT 'hypertension-' || CASE WHEN age < 25 THEN '18' WHEN age < 75 THEN CAST((age - 25) // 10 * 10 + 25 AS VARCHAR) ELSE '75' END,
  count_if(hypertension_on <= census), count(*) FROM then_here WHERE age >= 18 GROUP BY 1
UNION ALL SELECT 'hypertension-known', count_if(hypertension_known <= census), count(*) FROM then_here WHERE hypertension_on <= census - 730
UNION ALL SELECT 'hypertension-treated', count_if(hypertension_treated <= census), count(*) FROM then_here WHERE hypertension_on <= census - 730
UNION ALL SELECT 'hypertension-controlled', count_if(hypertension_controlled <= census), count(*) FROM then_here WHERE hypertension_on <= census - 730
UNION ALL SELECT 'diabetes', sum(weight) FILTER (diabetes_on <= census), sum(weight) FROM then_here WHERE age >= 18
UNION ALL SELECT 'diabetes-18', count_if(diabetes_on <= census), count(*) FROM then_here WHERE age BETWEEN 18 AND 29
UNION ALL SELECT 'diabetes-70', count_if(diabetes_on <= census), count(*) FROM then_here WHERE age >= 70
UNION ALL SELECT 'diabetes-known', count_if(diabetes_known <= census), count(*) FROM then_here WHERE diabetes_on <= census - 730
UNION ALL SELECT 'copd-40', sum(weight) FILTER (copd_on <= census), sum(weight) FROM then_here WHERE age >= 40
UNION ALL SELECT 'dyslipidemia', sum(weight) FILTER (dyslipidemia_on <= census), sum(weight) FROM then_here WHERE age >= 18
UNION ALL SELECT 'births', count_if(birth >= census), sum(date_diff('day', since, until)) / 365.25 / 1000 FROM people
UNION ALL SELECT 'person-years', sum(date_diff('day', greatest(since, (SELECT first_day FROM city)), until + 1)) FILTER (until >= (SELECT first_day FROM city)) / 365.25, 1 FROM people
UNION ALL SELECT concat('deaths-', sex, '-', lpad(CAST(least(95, age_on(birth, since + CAST(date_diff('day', since, until) // 2 AS INTEGER)) // 5 * 5) AS VARCHAR), 2, '0')),
  count(died), sum(date_diff('day', since, until) + 0.5) / 365.25 FROM people GROUP BY 1
