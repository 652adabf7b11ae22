WITH scan AS (
  SELECT x.person AS person, x.t AS t, row_number() OVER (PARTITION BY x.person ORDER BY x.t, x.received, x.insert_id, x.event) AS place, CASE WHEN x.t - lag(x.t) OVER (PARTITION BY x.person ORDER BY x.t, x.received, x.insert_id, x.event) <= 1800000 THEN 0 ELSE 1 END AS fresh, CASE WHEN x.kind IN ('page', 'screen') THEN CASE WHEN x.p1 IS NULL THEN 't(not set)' WHEN x.p1 = '' THEN 't(empty)' ELSE 't' || x.p1 END END AS page, coalesce(CASE WHEN x.p0 LIKE '"%' THEN json_extract_scalar(x.p0, '$') END = 'pro', FALSE) AS passes, CASE WHEN x.p2 IS NULL THEN 't(not set)' WHEN x.p2 = '' THEN 't(empty)' ELSE 't' || x.p2 END AS k0
  FROM (
    SELECT CASE WHEN regexp_like(json_format(json_extract(e.properties, '$["plan"]')), '^("-{0,1}Infinity"|[-0-9])') AND json_extract_scalar(e.properties, '$["plan"]') NOT LIKE '%Infinity' THEN json_extract_scalar(e.properties, '$["plan"]') ELSE nullif(json_format(json_extract(e.properties, '$["plan"]')), 'null') END AS p0, e.person_id AS person, date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00.000', e."time") AS t, date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00.000', e.received_time) AS received, e.insert_id AS insert_id, e.event AS event, e.kind AS kind, e."page_path" AS p1, e."channel" AS p2
    FROM events e
    WHERE e."date" BETWEEN DATE '2026-10-19' AND DATE '2026-10-31'
      AND (e."time" >= TIMESTAMP '2026-10-19 21:30:00.000' AND e."time" < TIMESTAMP '2026-10-31 23:00:00.000')
      AND e.kind IN ('event', 'page', 'screen')
  ) x
  WHERE x.person IS NOT NULL
),
begun AS (
  SELECT person, t, place, fresh, page, passes, k0, max(CASE WHEN fresh = 1 THEN t END) OVER (PARTITION BY person ORDER BY place) AS began
  FROM scan
),
sessions AS (
  SELECT person, began, max(t) - began AS lasted, count(*) AS events, CASE WHEN count(*) = 1 AND count(page) = 1 THEN 1 ELSE 0 END AS bounced, coalesce(min_by(page, place) FILTER (WHERE page IS NOT NULL), '') AS entry_page, coalesce(max_by(page, place) FILTER (WHERE page IS NOT NULL), '') AS exit_page, (((((began + CASE WHEN began < 1792890000000 THEN 7200000 ELSE 3600000 END) / 86400000) + 3) / 7) - 2964) AS bucket, min_by(k0, place) AS k0
  FROM begun
  WHERE (began >= 1792447200000 AND began < 1793401200000)
  GROUP BY person, began
  HAVING bool_or(passes)
),
top0 AS (
  SELECT k, n
  FROM (
    SELECT k0 AS k, row_number() OVER (ORDER BY count(*) DESC, substr(k0, 2), k0) AS n
    FROM sessions
    WHERE k0 <> 't(other)'
    GROUP BY k0
  ) a
  WHERE n <= 3
),
cut AS (
  SELECT r.person AS person, r.lasted AS lasted, r.events AS events, r.bounced AS bounced, r.entry_page AS entry_page, r.exit_page AS exit_page, r.bucket AS bucket, coalesce(top0.n, 4) AS n0, coalesce(top0.k, 't(other)') AS s0
  FROM sessions r
  LEFT JOIN top0 ON top0.k = r.k0
),
placed AS (
  SELECT n0, s0, person, lasted, events, bounced, entry_page, exit_page, bucket, row_number() OVER (PARTITION BY n0, s0 ORDER BY lasted) AS place, count(*) OVER (PARTITION BY n0, s0) AS places, row_number() OVER (PARTITION BY n0, s0, bucket ORDER BY lasted) AS bucket_place, count(*) OVER (PARTITION BY n0, s0, bucket) AS bucket_places
  FROM cut
),
told AS (
  SELECT n0, s0, bucket, CASE WHEN entry_page IS NOT NULL THEN 1 WHEN exit_page IS NOT NULL THEN 2 ELSE 0 END AS part, coalesce(entry_page, exit_page) AS page, count(*) AS sessions, sum(lasted) AS lasted, CASE WHEN bucket IS NULL THEN max(lasted) FILTER (WHERE place = ((places + 1) / 2)) ELSE max(lasted) FILTER (WHERE bucket_place = ((bucket_places + 1) / 2)) END AS low, CASE WHEN bucket IS NULL THEN max(lasted) FILTER (WHERE place = ((places + 2) / 2)) ELSE max(lasted) FILTER (WHERE bucket_place = ((bucket_places + 2) / 2)) END AS high, sum(events) AS events, sum(bounced) AS bounced, CAST(0 AS BIGINT) AS persons
  FROM placed
  GROUP BY GROUPING SETS ((n0, s0), (n0, s0, entry_page), (n0, s0, exit_page), (n0, s0, bucket))
)
SELECT n0, s0, part, bucket, shown, sum(sessions) AS sessions, sum(lasted) AS lasted, max(low) AS low, max(high) AS high, sum(events) AS events, sum(bounced) AS bounced, max(persons) AS persons
FROM (
  SELECT *, CASE WHEN page = '' OR rank <= 5 THEN page ELSE 't(other)' END AS shown
  FROM (
    SELECT *, dense_rank() OVER (PARTITION BY n0, s0, part ORDER BY CASE WHEN page IN ('', 't(other)') THEN 1 ELSE 0 END, frequency DESC, page) AS rank
    FROM (
      SELECT *, sum(sessions) OVER (PARTITION BY n0, s0, part, page) AS frequency
      FROM told
    ) c
  ) r
) n
GROUP BY n0, s0, part, bucket, shown
