WITH scan AS (
  SELECT x.person AS person, x.t AS t, row_number() OVER (PARTITION BY x.person ORDER BY x.t, x.received, x.insert_id, x.event) AS place, CASE WHEN x.t - lag(x.t) OVER (PARTITION BY x.person ORDER BY x.t, x.received, x.insert_id, x.event) <= 1800000 THEN 0 ELSE 1 END AS fresh, CASE WHEN x.kind IN ('page', 'screen') THEN CASE WHEN x.p0 IS NULL THEN 't(not set)' WHEN x.p0 = '' THEN 't(empty)' ELSE 't' || x.p0 END END AS page
  FROM (
    SELECT e.person_id AS person, epoch_ms(e."time") AS t, epoch_ms(e.received_time) AS received, e.insert_id AS insert_id, e.event AS event, e.kind AS kind, e."page_path" AS p0
    FROM events e
    WHERE e."date" BETWEEN DATE '2026-10-31' AND DATE '2026-12-01'
      AND (e."time" >= TIMESTAMP '2026-10-31 22:30:00.000' AND e."time" < TIMESTAMP '2026-12-01 23:00:00.000')
      AND NOT e.is_bot
      AND e.kind IN ('event', 'page', 'screen')
  ) x
  WHERE x.person IS NOT NULL
),
begun AS (
  SELECT person, t, place, fresh, page, max(CASE WHEN fresh = 1 THEN t END) OVER (PARTITION BY person ORDER BY place) AS began
  FROM scan
),
sessions AS (
  SELECT person, began, max(t) - began AS lasted, count(*) AS events, CASE WHEN count(*) = 1 AND count(page) = 1 THEN 1 ELSE 0 END AS bounced, coalesce(min_by(page, place) FILTER (WHERE page IS NOT NULL), '') AS entry_page, coalesce(max_by(page, place) FILTER (WHERE page IS NOT NULL), '') AS exit_page, (((began + 3600000) // 86400000) - 20758) AS bucket
  FROM begun
  WHERE (began >= 1793487600000 AND began < 1796079600000)
  GROUP BY person, began
),
placed AS (
  SELECT person, lasted, events, bounced, entry_page, exit_page, bucket, row_number() OVER (ORDER BY lasted) AS place, count(*) OVER () AS places, row_number() OVER (PARTITION BY bucket ORDER BY lasted) AS bucket_place, count(*) OVER (PARTITION BY bucket) AS bucket_places
  FROM sessions
),
told AS (
  SELECT bucket, CASE WHEN entry_page IS NOT NULL THEN 1 WHEN exit_page IS NOT NULL THEN 2 ELSE 0 END AS part, coalesce(entry_page, exit_page) AS page, count(*) AS sessions, sum(lasted) AS lasted, CASE WHEN bucket IS NULL THEN max(lasted) FILTER (WHERE place = ((places + 1) // 2)) ELSE max(lasted) FILTER (WHERE bucket_place = ((bucket_places + 1) // 2)) END AS low, CASE WHEN bucket IS NULL THEN max(lasted) FILTER (WHERE place = ((places + 2) // 2)) ELSE max(lasted) FILTER (WHERE bucket_place = ((bucket_places + 2) // 2)) END AS high, sum(events) AS events, sum(bounced) AS bounced, CAST(0 AS BIGINT) AS persons
  FROM placed
  GROUP BY GROUPING SETS ((), (entry_page), (exit_page), (bucket))
)
SELECT part, bucket, shown, sum(sessions) AS sessions, sum(lasted) AS lasted, max(low) AS low, max(high) AS high, sum(events) AS events, sum(bounced) AS bounced, max(persons) AS persons
FROM (
  SELECT *, CASE WHEN page = '' OR rank <= 10 THEN page ELSE 't(other)' END AS shown
  FROM (
    SELECT *, dense_rank() OVER (PARTITION BY part ORDER BY CASE WHEN page IN ('', 't(other)') THEN 1 ELSE 0 END, frequency DESC, page) AS rank
    FROM (
      SELECT *, sum(sessions) OVER (PARTITION BY part, page) AS frequency
      FROM told
    ) c
  ) r
) n
GROUP BY part, bucket, shown
