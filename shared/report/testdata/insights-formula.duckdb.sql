WITH scan AS (
  SELECT x.event = 'Page View' AS m0, x.event = 'Purchase' AS m1, CASE WHEN x.event = 'Purchase' THEN CASE WHEN (x.p2 >= '-' AND x.p2 < ':') THEN coalesce(CAST(try_cast(x.p2 AS DECIMAL(18, 9)) AS DECIMAL(27, 9)), try_cast(x.p2 AS DECIMAL(27, 9))) END END AS v1, x.event = 'Purchase' AS m2, x.person AS person, (((((x.t + 3600000) // 86400000) + 4) // 7) - 2966) AS bucket
  FROM (
    SELECT e."country" AS p0, nullif(CAST(coalesce(json_extract(e.properties, '$."plan.seats"'), json_extract(e.properties, '$."plan"."seats"')) AS VARCHAR), 'null') AS p1, e.event AS event, nullif(CAST(json_extract(e.properties, '$."amount"') AS VARCHAR), 'null') AS p2, e.person_id AS person, epoch_ms(e."time") AS t
    FROM events e
    WHERE e."date" BETWEEN DATE '2026-10-31' AND DATE '2026-11-30'
      AND (e."time" >= TIMESTAMP '2026-10-31 23:00:00.000' AND e."time" < TIMESTAMP '2026-11-30 23:00:00.000')
      AND NOT e.is_bot
      AND e.event IN ('Page View', 'Purchase')
  ) x
  WHERE (coalesce(x.p0 IN ('DE', 'AT'), FALSE) AND coalesce(CASE WHEN (x.p1 >= '-' AND x.p1 < ':') THEN CASE WHEN (strpos(x.p1, '.') = 0 AND strpos(lower(x.p1), 'e') = 0) THEN coalesce(try_cast(x.p1 AS DECIMAL(38, 0)) >= CAST('9007199254740993' AS DECIMAL(38, 0)), CASE WHEN (x.p1 >= '-' AND x.p1 < ':') THEN try_cast(x.p1 AS DOUBLE) END >= 9.007199254740992E+15) ELSE CASE WHEN (x.p1 >= '-' AND x.p1 < ':') THEN try_cast(x.p1 AS DOUBLE) END >= 9.007199254740992E+15 END END, FALSE))
)
SELECT 0 AS pass, CAST(bucket AS BIGINT) AS bucket, CAST(NULL AS BIGINT) AS until, CAST(count(*) FILTER (WHERE m0) AS DECIMAL(38, 9)) AS a0, CAST(NULL AS DECIMAL(38, 9)) AS b0, CAST(sum(v1) AS DECIMAL(38, 9)) AS a1, CAST(NULL AS DECIMAL(38, 9)) AS b1, CAST(NULL AS DECIMAL(38, 9)) AS a2, CAST(NULL AS DECIMAL(38, 9)) AS b2
FROM scan
GROUP BY GROUPING SETS ((bucket), ())
UNION ALL
SELECT 0 AS pass, CAST(bucket AS BIGINT) AS bucket, CAST(NULL AS BIGINT) AS until, CAST(NULL AS DECIMAL(38, 9)) AS a0, CAST(NULL AS DECIMAL(38, 9)) AS b0, CAST(NULL AS DECIMAL(38, 9)) AS a1, CAST(NULL AS DECIMAL(38, 9)) AS b1, CAST(count(c2) AS DECIMAL(38, 9)) AS a2, CAST(NULL AS DECIMAL(38, 9)) AS b2
FROM (
  SELECT bucket, sum(c2) AS c2
  FROM (
    SELECT person, bucket, CASE WHEN person IS NOT NULL THEN nullif(count(*) FILTER (WHERE m2), 0) END AS c2
    FROM scan
    GROUP BY person, bucket
  ) b
  GROUP BY GROUPING SETS ((bucket, person), (person))
) u
GROUP BY bucket
