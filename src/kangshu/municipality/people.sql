-- The residents of the neighbourhoods from the first up to the last (not itself), with the whole course of their lives:
-- tables `people` (one row a person, children born since the census among them). Every draw depends on the seed, the
-- number and a name alone; a household's on the number of its head; a child's on its own number, which is its mother's
-- + 2^27. Statements are separated by a line of dashes.

CREATE OR REPLACE TEMP TABLE places AS
SELECT c.cell, t.town, t.district, t.district_name, t.name AS town_name, t.vigour, t.centre
FROM (SELECT unnest(range($first, $last)) AS cell) AS c ASOF JOIN towns AS t ON c.cell >= t.first_cell
--------
CREATE OR REPLACE TEMP TABLE counted AS
SELECT drawn.n, drawn.n // 120 AS cell, age_of.age, age_of.sex,
       city.census - 1 - CAST(floor((age_of.age + draw(drawn.n, 0, 'birth')) * 365.2425) AS INTEGER) AS birth
FROM city, (SELECT unnest(range($first * 120, least($last * 120, (SELECT residents FROM city)))) AS n) AS drawn
JOIN age_of ON age_of.stratum = CAST(floor(draw(drawn.n, 0, 'age') * 16384) AS BIGINT)
--------
CREATE OR REPLACE TEMP TABLE ranked AS
-- men are two years older than their wives; within ten years of age, so that a few more of one sex shift nobody far
SELECT n, cell, sex, birth, decade, row_number() OVER (PARTITION BY cell, sex, decade ORDER BY birth, n) AS place
FROM (SELECT *, (age - CASE sex WHEN 'male' THEN 2 ELSE 0 END) // 10 AS decade FROM counted) WHERE age >= (CASE sex WHEN 'male' THEN 24 ELSE 23 END)
--------
CREATE OR REPLACE TEMP TABLE couples AS
SELECT m.cell, m.n AS head, w.n AS wife, m.birth
FROM ranked AS m JOIN ranked AS w
  ON m.cell = w.cell AND m.decade = w.decade AND m.place = w.place AND m.sex = 'male' AND w.sex = 'female'
WHERE draw(m.n, 0, 'married') < $married
--------
-- the couple that a birth date stands for where two men of a neighbourhood share one: the same whatever runs first
CREATE OR REPLACE TEMP TABLE eldest AS
SELECT cell, birth, min(head) AS head FROM couples GROUP BY cell, birth
--------
-- who lives with a couple: children, most of the single young, some of the single old; the couple nearest in age
CREATE OR REPLACE TEMP TABLE joining AS
SELECT c.n, c.cell,
       CASE WHEN c.age >= 72 THEN c.birth + CAST((22 + 14 * draw(c.n, 0, 'gap')) * 365 AS INTEGER)
            ELSE c.birth - CAST((23 + 14 * draw(c.n, 0, 'gap')) * 365 AS INTEGER) END AS wanted
FROM counted AS c LEFT JOIN (SELECT head AS n FROM couples UNION ALL SELECT wife FROM couples) AS paired USING (n)
WHERE paired.n IS NULL
  AND (c.age < 23 OR (c.age < 33 AND draw(c.n, 0, 'lives-with') < $young)
       OR (c.age >= 72 AND draw(c.n, 0, 'lives-with') < $old))
--------
CREATE OR REPLACE TEMP TABLE joined AS
-- young couples who live with a couple of their parents' age
SELECT c.head, p.head AS elder FROM couples AS c ASOF JOIN eldest AS p
  ON c.cell = p.cell AND c.birth - CAST((24 + 10 * draw(c.head, 0, 'gap')) * 365 AS INTEGER) >= p.birth
WHERE c.birth > DATE '1976-01-01' AND draw(c.head, 0, 'with-parents') < $together
--------
CREATE OR REPLACE TEMP TABLE homes AS
SELECT n, coalesce(elder, head) AS head FROM (
  SELECT head AS n, head FROM couples
  UNION ALL SELECT wife, head FROM couples
  -- the next older couple, or the next younger one: one alone would gather the children of a gap in the ages
  UNION ALL
  SELECT j.n, CASE WHEN draw(j.n, 0, 'side') < 0.5 THEN coalesce(o.head, y.head) ELSE coalesce(y.head, o.head) END
  FROM joining AS j
  ASOF LEFT JOIN eldest AS o ON j.cell = o.cell AND j.wanted >= o.birth
  ASOF LEFT JOIN eldest AS y ON j.cell = y.cell AND j.wanted <= y.birth
  WHERE coalesce(o.head, y.head) IS NOT NULL
) LEFT JOIN joined USING (head)
--------
-- households: where they live, and what happens to them
CREATE OR REPLACE TEMP TABLE households AS
SELECT one.head, one.moved_on, one.left_on,
       now.town, now.district, now.district_name, now.town_name, now.vigour, now.centre,
       before.town AS town_before, before.centre AS centre_before
FROM (
  SELECT drawn.head, drawn.cell,
         CASE WHEN draw(head, 0, 'moves') < $moving * city.span
              THEN city.census + CAST(draw(head, 0, 'moved-on') * city.span * 365 AS INTEGER) END AS moved_on,
         CASE WHEN draw(head, 0, 'leaves') < $leaving * city.span
              THEN city.census + CAST(draw(head, 0, 'left-on') * city.span * 365 AS INTEGER) END AS left_on,
         CASE WHEN draw(head, 0, 'moves') < $moving * city.span THEN pick(head, 0, 'moved-to', city.cells) ELSE cell END AS new_cell
  FROM (SELECT *, date_diff('day', census, last_day) / 365.25 AS span FROM city) AS city,
       (SELECT DISTINCT coalesce(h.head, c.n) AS head, c.cell FROM counted AS c LEFT JOIN homes AS h USING (n)) AS drawn
) AS one
JOIN places AS before ON before.cell = one.cell
ASOF JOIN (SELECT t.*, t.name AS town_name FROM towns AS t) AS now ON one.new_cell >= now.first_cell
--------
CREATE OR REPLACE TEMP TABLE born AS
SELECT m.n + 134217728 AS n, coalesce(h.head, m.n) AS head, 'born' AS origin,
       CASE WHEN draw(m.n, 1, 'child-sex') < 0.527 THEN 'male' ELSE 'female' END AS sex,
       city.census + CAST(draw(m.n, 1, 'child-birth') * date_diff('day', city.census, city.last_day) AS INTEGER) AS birth
FROM city, counted AS m LEFT JOIN homes AS h USING (n)
WHERE m.sex = 'female' AND m.age BETWEEN 20 AND 41
  AND draw(m.n, 1, 'child') < $births * date_diff('day', city.census, city.last_day) / 365.25
--------
CREATE OR REPLACE TEMP TABLE persons AS
SELECT n, coalesce(h.head, c.n) AS head, sex, birth FROM counted AS c LEFT JOIN homes AS h USING (n)
UNION ALL SELECT n, head, sex, birth FROM born
--------
CREATE OR REPLACE TEMP TABLE people AS
SELECT n, concat('r', lpad(CAST(n AS VARCHAR), 9, '0')) AS id, sex, birth,
       CASE WHEN died <= least(last_day, coalesce(left_on, last_day)) THEN died END AS died,
       CASE WHEN left_on < coalesce(died, DATE '9999-01-01') AND left_on > birth THEN left_on END AS left_on,
       greatest(birth, census) AS since,
       least(coalesce(died, last_day), coalesce(CASE WHEN left_on > birth THEN left_on END, last_day), last_day) AS until,
       concat('h', lpad(CAST(head AS VARCHAR), 9, '0')) AS household, moved_on,
       town, town AS place, census, district, district_name, town_name, vigour, centre, town_before, centre_before,
       draw(n, 0, 'frailty') AS frailty,
       (CASE sex WHEN 'male' THEN 168.9 ELSE 157.4 END) + 6.0 * bell(n, 0, 'height') AS height,
       24.1 + 3.4 * bell(n, 0, 'mass') AS mass,
       $disease_columns
FROM (
  SELECT p.*, h.* EXCLUDE (head), city.census, city.last_day, date_diff('day', p.birth, city.census) / 365.2425 AS age,
         -- Gompertz: the rest of life of who is alive at the census (or is born later)
         greatest(p.birth, city.census) + CAST(least(40000, 365.2425 / b * ln(
           1 - ln(1 - draw(p.n, 0, 'death')) * b / (a * exp(b * greatest(0, date_diff('day', p.birth, city.census) / 365.2425)))
         )) AS INTEGER) AS died
  FROM city, persons AS p JOIN households AS h USING (head)
  JOIN (VALUES ('male', $male_a, $male_b), ('female', $female_a, $female_b)) AS death(sex, a, b) USING (sex)
)
ORDER BY n
--------
DROP TABLE counted
--------
DROP TABLE ranked
--------
DROP TABLE couples
--------
DROP TABLE eldest
--------
DROP TABLE joining
--------
DROP TABLE joined
--------
DROP TABLE homes
--------
DROP TABLE households
--------
DROP TABLE born
--------
DROP TABLE persons
