WITH scan AS (
  SELECT x.event IN ('Page View', 'it''s') AS m0, x.kind IN ('event', 'page', 'screen') AS m1, CASE WHEN x.kind IN ('event', 'page', 'screen') THEN try_cast(CAST(x.p0 AS VARCHAR) AS DECIMAL(27, 9)) END AS v1, x.person AS person, (((x.t + 7200000) / 3600000) - 497904) AS bucket, CASE WHEN x.p1 IS NULL THEN 't(not set)' WHEN x.p1 = '' THEN 't(empty)' ELSE 't' || x.p1 END AS k0, CASE WHEN x.p2 IS NULL THEN 't(not set)' WHEN x.p2 = '""' THEN 't(empty)' WHEN x.p2 LIKE '"%' THEN 't' || json_extract_scalar(x.p2, '$') WHEN x.p2 IN ('true', 'false') THEN 'b' || x.p2 WHEN x.p2 LIKE '[%' THEN 't(list)' WHEN x.p2 LIKE '{%' THEN 't(object)' ELSE coalesce('n' || CAST(try_cast(x.p2 AS DECIMAL(38, 9)) AS VARCHAR), 't(number)') END AS k1
  FROM (
    SELECT e.event AS event, e.kind AS kind, e."revenue" AS p0, e.person_id AS person, date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00.000', e."time") AS t, f."first_channel" AS p1, CASE WHEN regexp_like(json_format(json_extract(e.properties, '$["plan"]')), '^("-{0,1}Infinity"|[-0-9])') AND json_extract_scalar(e.properties, '$["plan"]') NOT LIKE '%Infinity' THEN json_extract_scalar(e.properties, '$["plan"]') ELSE nullif(json_format(json_extract(e.properties, '$["plan"]')), 'null') END AS p2
    FROM events e
    LEFT JOIN profiles f ON f.person_id = e.person_id AND f.group_key IS NULL
    WHERE e."date" BETWEEN DATE '2026-10-19' AND DATE '2026-10-30'
      AND (e."time" >= TIMESTAMP '2026-10-19 22:00:00.000' AND e."time" < TIMESTAMP '2026-10-30 23:00:00.000')
      AND NOT e.is_bot
      AND e.person_id IN (SELECT e.person_id
    FROM events e
    WHERE e."date" BETWEEN DATE '2026-09-30' AND DATE '2026-10-30'
      AND (e."time" >= TIMESTAMP '2026-09-30 22:00:00.000' AND e."time" < TIMESTAMP '2026-10-30 23:00:00.000')
      AND e.event = 'Purchase'
      AND e.person_id IS NOT NULL
      AND NOT e.is_bot
    GROUP BY e.person_id
    HAVING count(*) >= 2)
      AND (e.kind IN ('event', 'page', 'screen') OR e.event IN ('Page View', 'it''s'))
  ) x
),
top0 AS (
  SELECT k, n
  FROM (
    SELECT k0 AS k, row_number() OVER (ORDER BY count(*) DESC, substr(k0, 2), k0) AS n
    FROM scan
    WHERE (m0 OR m1)
      AND k0 <> 't(other)'
    GROUP BY k0
  ) a
  WHERE n <= 10
),
top1 AS (
  SELECT k, n
  FROM (
    SELECT k1 AS k, row_number() OVER (ORDER BY count(*) DESC, substr(k1, 2), k1) AS n
    FROM scan
    WHERE (m0 OR m1)
      AND k1 <> 't(other)'
    GROUP BY k1
  ) a
  WHERE n <= 3
),
cut AS (
  SELECT r.m0 AS m0, r.m1 AS m1, r.v1 AS v1, r.person AS person, r.bucket AS bucket, coalesce(top0.n, 11) AS n0, coalesce(top0.k, 't(other)') AS s0, coalesce(top1.n, 4) AS n1, coalesce(top1.k, 't(other)') AS s1
  FROM scan r
  LEFT JOIN top0 ON top0.k = r.k0
  LEFT JOIN top1 ON top1.k = r.k1
)
SELECT 0 AS pass, CAST(bucket AS BIGINT) AS bucket, CAST(NULL AS BIGINT) AS until, n0, s0, n1, s1, CAST(count(c0) AS DECIMAL(38, 9)) AS a0, CAST(NULL AS DECIMAL(38, 9)) AS b0, CAST(NULL AS DECIMAL(38, 9)) AS a1, CAST(NULL AS DECIMAL(38, 9)) AS b1
FROM (
  SELECT n0, s0, n1, s1, bucket, sum(c0) AS c0
  FROM (
    SELECT n0, s0, n1, s1, person, bucket, CASE WHEN person IS NOT NULL THEN nullif(count(*) FILTER (WHERE m0), 0) END AS c0
    FROM cut
    GROUP BY n0, s0, n1, s1, person, bucket
  ) b
  GROUP BY GROUPING SETS ((n0, s0, n1, s1, bucket, person), (n0, s0, n1, s1, person))
) u
GROUP BY n0, s0, n1, s1, bucket
UNION ALL
SELECT 0 AS pass, CAST(bucket AS BIGINT) AS bucket, CAST(NULL AS BIGINT) AS until, n0, s0, n1, s1, CAST(NULL AS DECIMAL(38, 9)) AS a0, CAST(NULL AS DECIMAL(38, 9)) AS b0, CAST(max(c1) FILTER (WHERE place = ((places + 1) / 2)) AS DECIMAL(38, 9)) AS a1, CAST(max(c1) FILTER (WHERE place = ((places + 2) / 2)) AS DECIMAL(38, 9)) AS b1
FROM (
  SELECT n0, s0, n1, s1, bucket, c1, row_number() OVER (PARTITION BY n0, s0, n1, s1, bucket ORDER BY c1) AS place, count(*) OVER (PARTITION BY n0, s0, n1, s1, bucket) AS places
  FROM (
    SELECT n0, s0, n1, s1, CASE WHEN part = 0 THEN bucket END AS bucket, v1 AS c1
    FROM cut CROSS JOIN (VALUES (0), (1)) whole(part)
    WHERE v1 IS NOT NULL
  ) u
  WHERE c1 IS NOT NULL
) q
GROUP BY n0, s0, n1, s1, bucket
