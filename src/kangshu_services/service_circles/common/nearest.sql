places AS (
  SELECT kind, CAST(latitude AS DOUBLE) AS north, CAST(longitude AS DOUBLE) AS east FROM organisations
  WHERE active IS DISTINCT FROM false AND coalesce(state, '') NOT IN ('suspended', 'closed')
  UNION ALL
  SELECT kind, CAST(latitude AS DOUBLE), CAST(longitude AS DOUBLE) FROM care_facilities
  WHERE status = 'active' AND coalesce(opened_on_first <= $period_end, true)
  UNION ALL
  SELECT kind, CAST(latitude AS DOUBLE), CAST(longitude AS DOUBLE) FROM service_places
  WHERE status = 'active' AND open_to_public IS DISTINCT FROM false
    AND coalesce(opened_on_first <= $period_end, true) AND coalesce(closed_on_first > $period_end, true)
), served AS (
  SELECT 'medical' AS service, north, east FROM places WHERE list_contains($circle_medical_kinds, kind)
  UNION ALL SELECT 'elder', north, east FROM places WHERE list_contains($circle_elder_kinds, kind)
  UNION ALL SELECT 'fitness', north, east FROM places WHERE list_contains($circle_fitness_kinds, kind)
  UNION ALL SELECT 'emergency', north, east FROM places WHERE list_contains($circle_emergency_kinds, kind)
), services AS (
  SELECT 'medical' AS service, 'walk' AS mode
  UNION ALL SELECT 'elder', 'walk'
  UNION ALL SELECT 'fitness', CAST($circle_fitness_mode AS VARCHAR)
  UNION ALL SELECT 'emergency', 'road'
), points AS (
  SELECT division, scope_district, name, kind, resident_people AS people,
         CAST(latitude AS DOUBLE) AS north, CAST(longitude AS DOUBLE) AS east,
         $circle_search_metres / 111000.0 AS window_north,
         $circle_search_metres / (111000.0 * cos(radians(CAST(latitude AS DOUBLE)))) AS window_east,
         coalesce(settlement, CASE kind WHEN 'village' THEN 'rural' ELSE 'urban' END) AS settlement
  FROM division_places WHERE kind IN ('community', 'village') AND status = 'active'
), crow AS (
  SELECT points.division, served.service, min(metres_between(points.north, points.east, served.north, served.east)) AS metres
  FROM points
  JOIN served
    ON served.north BETWEEN points.north - points.window_north AND points.north + points.window_north
   AND served.east BETWEEN points.east - points.window_east AND points.east + points.window_east
  GROUP BY points.division, served.service
), nearest AS (
  SELECT points.*, services.service, services.mode,
         CASE WHEN crow.metres <= $circle_search_metres
              THEN CASE services.mode WHEN 'walk' THEN crow.metres * $circle_detour / $circle_walking_speed
                                      ELSE crow.metres * $circle_road_detour / $circle_road_speed END END AS minutes,
         CASE services.service
              WHEN 'medical' THEN $circle_medical_minutes
              WHEN 'elder' THEN $circle_elder_minutes
              WHEN 'fitness' THEN CASE points.settlement WHEN 'county-town' THEN $circle_county_fitness_minutes ELSE $circle_fitness_minutes END
              ELSE $circle_emergency_minutes END AS allowed,
         CASE WHEN points.north IS NULL OR points.east IS NULL THEN 'no-position' END AS unplaced
  FROM points
  CROSS JOIN services
  LEFT JOIN crow ON crow.division = points.division AND crow.service = services.service
)
