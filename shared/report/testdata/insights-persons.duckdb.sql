WITH scan AS (
  SELECT x.kind IN ('event', 'page', 'screen') AS m0, (x.event = 'Search' AND coalesce(regexp_matches(CASE WHEN x.p0 LIKE '"%' THEN json_extract_string(x.p0, '$') END, '\A(?:a)(?:[^\n])*(?:\x{E9})\z'), FALSE) AND x.kind IN ('event', 'page', 'screen')) AS m1, x.event = 'Search' AS m2, x.event = 'Search' AS m3, CASE WHEN x.event = 'Search' THEN CASE WHEN x.p0 IS NOT NULL AND NOT x.p0 LIKE '[%' AND NOT x.p0 LIKE '{%' THEN CASE WHEN x.p0 IS NULL THEN 't(not set)' WHEN x.p0 = '""' THEN 't(empty)' WHEN x.p0 LIKE '"%' THEN 't' || json_extract_string(x.p0, '$') WHEN x.p0 IN ('true', 'false') THEN 'b' || x.p0 WHEN x.p0 LIKE '[%' THEN 't(list)' WHEN x.p0 LIKE '{%' THEN 't(object)' ELSE coalesce('n' || CAST(coalesce(CAST(try_cast(x.p0 AS DECIMAL(18, 9)) AS DECIMAL(38, 9)), try_cast(x.p0 AS DECIMAL(38, 9))) AS VARCHAR), 't(number)') END END END AS v3, x.t AS t, x.kind IN ('event', 'page', 'screen') AS active, x.person AS person, (year((DATE '1970-01-01' + CAST((x.t // 86400000) AS INTEGER))) * 12 + month((DATE '1970-01-01' + CAST((x.t // 86400000) AS INTEGER))) - 24323) AS bucket, ((x.t // 86400000) - 20758) AS day
  FROM (
    SELECT e.kind AS kind, nullif(CAST(json_extract(e.properties, '$."term"') AS VARCHAR), 'null') AS p0, e.event AS event, epoch_ms(e."time") AS t, e.person_id AS person
    FROM events e
    WHERE e."date" BETWEEN DATE '2026-10-03' AND DATE '2026-11-30'
      AND (e."time" >= TIMESTAMP '2026-10-03 00:00:00.000' AND e."time" < TIMESTAMP '2026-12-01 00:00:00.000')
      AND (e.kind IN ('event', 'page', 'screen') OR e.event IN ('Search'))
  ) x
),
sessions AS (
  SELECT m0, m1, m2, m3, v3, t, active, person, bucket, day, sum(fresh) OVER (PARTITION BY person, active ORDER BY t) AS session
  FROM (
    SELECT m0, m1, m2, m3, v3, t, active, person, bucket, day, CASE WHEN t - lag(t) OVER (PARTITION BY person, active ORDER BY t) > 1800000 THEN 1 ELSE 0 END AS fresh
    FROM scan
  ) a
)
SELECT 0 AS pass, CAST(bucket AS BIGINT) AS bucket, CAST(NULL AS BIGINT) AS until, CAST(NULL AS DECIMAL(38, 9)) AS a0, CAST(NULL AS DECIMAL(38, 9)) AS b0, CAST(count(c1) AS DECIMAL(38, 9)) AS a1, CAST(NULL AS DECIMAL(38, 9)) AS b1, CAST(NULL AS DECIMAL(38, 9)) AS a2, CAST(NULL AS DECIMAL(38, 9)) AS b2, CAST(NULL AS DECIMAL(38, 9)) AS a3, CAST(NULL AS DECIMAL(38, 9)) AS b3
FROM (
  SELECT bucket, sum(c1) AS c1
  FROM (
    SELECT person, session, bucket, CASE WHEN person IS NOT NULL THEN nullif(count(*) FILTER (WHERE m1), 0) END AS c1
    FROM sessions
    WHERE day >= 0
    GROUP BY person, session, bucket
  ) b
  GROUP BY GROUPING SETS ((bucket, person, session), (person, session))
) u
GROUP BY bucket
UNION ALL
SELECT 1 AS pass, CAST(day AS BIGINT) AS bucket, CAST(until AS BIGINT) AS until, CAST(count(*) AS DECIMAL(38, 9)) AS a0, CAST(sum(fresh) AS DECIMAL(38, 9)) AS b0, CAST(NULL AS DECIMAL(38, 9)) AS a1, CAST(NULL AS DECIMAL(38, 9)) AS b1, CAST(NULL AS DECIMAL(38, 9)) AS a2, CAST(NULL AS DECIMAL(38, 9)) AS b2, CAST(NULL AS DECIMAL(38, 9)) AS a3, CAST(NULL AS DECIMAL(38, 9)) AS b3
FROM (
  SELECT day, least(day + 30, coalesce(lead(day) OVER (PARTITION BY person ORDER BY day), day + 30)) AS until, CASE WHEN day >= 0 AND coalesce(lag(day) OVER (PARTITION BY person ORDER BY day), -1) < 0 THEN 1 ELSE 0 END AS fresh
  FROM (
    SELECT person, day
    FROM sessions
    WHERE m0
      AND person IS NOT NULL
    GROUP BY person, day
  ) d
) w
GROUP BY day, until
UNION ALL
SELECT 0 AS pass, CAST(bucket AS BIGINT) AS bucket, CAST(NULL AS BIGINT) AS until, CAST(NULL AS DECIMAL(38, 9)) AS a0, CAST(NULL AS DECIMAL(38, 9)) AS b0, CAST(NULL AS DECIMAL(38, 9)) AS a1, CAST(NULL AS DECIMAL(38, 9)) AS b1, CAST(max(c2) FILTER (WHERE place = ((places * 9 + 9) // 10)) AS DECIMAL(38, 9)) AS a2, CAST(NULL AS DECIMAL(38, 9)) AS b2, CAST(NULL AS DECIMAL(38, 9)) AS a3, CAST(NULL AS DECIMAL(38, 9)) AS b3
FROM (
  SELECT bucket, c2, row_number() OVER (PARTITION BY bucket ORDER BY c2) AS place, count(*) OVER (PARTITION BY bucket) AS places
  FROM (
    SELECT bucket, sum(c2) AS c2
    FROM (
      SELECT person, bucket, CASE WHEN person IS NOT NULL THEN nullif(count(*) FILTER (WHERE m2), 0) END AS c2
      FROM sessions
      WHERE day >= 0
      GROUP BY person, bucket
    ) b
    GROUP BY GROUPING SETS ((bucket, person), (person))
  ) u
  WHERE c2 IS NOT NULL
) q
GROUP BY bucket
UNION ALL
SELECT 0 AS pass, CAST(bucket AS BIGINT) AS bucket, CAST(NULL AS BIGINT) AS until, CAST(NULL AS DECIMAL(38, 9)) AS a0, CAST(NULL AS DECIMAL(38, 9)) AS b0, CAST(NULL AS DECIMAL(38, 9)) AS a1, CAST(NULL AS DECIMAL(38, 9)) AS b1, CAST(NULL AS DECIMAL(38, 9)) AS a2, CAST(NULL AS DECIMAL(38, 9)) AS b2, CAST(count(*) AS DECIMAL(38, 9)) AS a3, CAST(NULL AS DECIMAL(38, 9)) AS b3
FROM (
  SELECT bucket
  FROM sessions
  WHERE v3 IS NOT NULL
    AND day >= 0
  GROUP BY GROUPING SETS ((bucket, v3), (v3))
) u
GROUP BY bucket
