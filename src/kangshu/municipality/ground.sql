-- Staff and beds, from the organisations. Statements are separated by a line of dashes.
CREATE OR REPLACE TABLE staff AS
SELECT s.number, concat('practitioner-', lpad(CAST(s.number AS VARCHAR), 6, '0')) AS id, s.role, s.title, o.id AS organisation,
       o.town, o.name AS organisation_name,
       CASE WHEN draw(s.number, 7, 'staff-sex') < (CASE s.role WHEN 'nurse' THEN 0.96 ELSE 0.47 END) THEN 'female' ELSE 'male' END AS sex,
       CASE WHEN draw(s.number, 7, 'staff-left') < 0.05
            THEN day_in(city.first_day, city.last_day, s.number, 7, 'staff-left-on') END AS left_on,
       city.census - CAST(draw(s.number, 7, 'staff-since') * 5000 AS INTEGER) AS since
FROM city, (
  SELECT row_number() OVER (ORDER BY place, i) AS number, role, title, i, place FROM (
    SELECT place, role, title, unnest(range(CAST(greatest(2, round(rate * city.residents / 1000)) AS BIGINT))) AS i
    FROM city, (VALUES (1, 'physician', '医师', $physician), (2, 'general-practitioner', '全科医生', $gp), (3, 'nurse', '护士', $nurse))
      AS rates(place, role, title, rate)
  )
) AS s
JOIN (
  SELECT *, row_number() OVER (PARTITION BY at_centre ORDER BY kind, number) - 1 AS seat, count(*) OVER (PARTITION BY at_centre) AS seats
  FROM (SELECT *, kind LIKE '%health-centre' AS at_centre FROM organisations WHERE kind LIKE '%hospital' OR kind LIKE '%health-centre')
) AS o
  ON o.at_centre = (s.role = 'general-practitioner' OR draw(s.number, 7, 'staff-centre') < 0.3)
 AND o.seat = pick(s.number, 7, 'staff-seat', o.seats)
--------
CREATE OR REPLACE TABLE beds AS
SELECT o.id AS institution, o.name AS institution_name, o.number AS home, o.town, o.vigour, o.size, i,
       concat('bed-', lpad(CAST(o.number + 1 AS VARCHAR), 4, '0'), '-', lpad(CAST(i + 1 AS VARCHAR), 3, '0')) AS id,
       CASE WHEN draw(o.number * 1000 + i, 8, 'bed-kind') < 0.28 + 0.34 * o.vigour THEN 'nursing' ELSE 'general' END AS kind,
       draw(o.number * 1000 + i, 8, 'bed-taken') < 0.35 + 0.38 * o.vigour AS taken
FROM (SELECT *, unnest(range(size)) AS i FROM organisations WHERE kind = 'elder-institution') AS o
--------
CREATE OR REPLACE TABLE hospitals AS
SELECT row_number() OVER (ORDER BY kind, number) - 1 AS seat, id, name, kind, town, count(*) OVER () AS seats
FROM organisations WHERE kind LIKE '%hospital'
--------
CREATE OR REPLACE TABLE homes_for_elders AS
SELECT number AS seat, id, name, town, vigour, size, count(*) OVER () AS seats FROM organisations WHERE kind = 'elder-institution'
--------
-- which tertiary hospital a centre sends its people to; one in eleven has none
CREATE OR REPLACE TABLE centre_hospitals AS
SELECT c.id AS centre, c.name AS centre_name, h.id AS hospital, h.name AS hospital_name, h.town
FROM organisations AS c JOIN organisations AS h
  ON h.number = c.number % (SELECT count(*) FROM organisations WHERE kind = 'tertiary-hospital')
WHERE c.kind LIKE '%health-centre' AND h.kind = 'tertiary-hospital' AND c.number % 11 <> 7
--------
-- communities and villages, some 2,600 people each; where a town is not of the city the first are its centre, the others villages
CREATE OR REPLACE TABLE communities AS
SELECT number, town, district, urban, vigour, seat, concat(town, lpad(CAST(seat + 1 AS VARCHAR), 3, '0')) AS code,
       NOT urban AND seat * 3 >= count AS village,
       concat(substr('和永安福长乐清泰新兴春景金玉华阳明德', 1 + pick(number, 12, 'community-name', 18), 1),
              substr('平宁康园里桥泉坊台湾岗河', 1 + pick(number, 12, 'community-end', 12), 1), CAST(seat + 1 AS VARCHAR)) AS first,
       cells * 120 // count + CASE WHEN seat < cells * 120 % count THEN 1 ELSE 0 END AS people,
       north_of(north, radius, number, 12, 'community') AS latitude, east_of(east, north, radius, number, 12, 'community') AS longitude
FROM (
  SELECT *, row_number() OVER (ORDER BY town, seat) AS number FROM (
    SELECT *, greatest(1, cells * 120 // 2600) AS count, unnest(range(greatest(1, cells * 120 // 2600))) AS seat FROM towns
  )
)
