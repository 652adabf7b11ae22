WITH scan AS (
  SELECT x.event = 'Page View' AS m0, (((x.t + 3600000) / 86400000) - 20758) AS bucket
  FROM (
    SELECT e.event AS event, date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00.000', e."time") AS t
    FROM events e
    WHERE e."date" BETWEEN DATE '2026-10-31' AND DATE '2026-11-30'
      AND (e."time" >= TIMESTAMP '2026-10-31 23:00:00.000' AND e."time" < TIMESTAMP '2026-11-30 23:00:00.000')
      AND NOT e.is_bot
      AND e.event IN ('Page View')
  ) x
)
SELECT 0 AS pass, CAST(bucket AS BIGINT) AS bucket, CAST(NULL AS BIGINT) AS until, CAST(count(*) FILTER (WHERE m0) AS DECIMAL(38, 9)) AS a0, CAST(NULL AS DECIMAL(38, 9)) AS b0
FROM scan
GROUP BY GROUPING SETS ((bucket), ())
