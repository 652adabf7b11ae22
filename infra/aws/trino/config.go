package trino

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// configure writes the server's settings and returns the path of the main file. Most of
// a test's time goes into planning, so the planner is kept from weighing plans against
// each other, and from looking for faster ones: for tables of a hundred rows all are as
// good. What is left is run by one thread each, and not timed.
func configure(o Options, address string) (string, error) {
	host, port, _ := strings.Cut(address, ":")
	catalogs := filepath.Join(o.Dir, "catalog")
	config := filepath.Join(o.Dir, "config.properties")
	files := map[string]string{
		config: fmt.Sprintf(`node.environment=test
node.id=loch
node.bind-ip=%[1]s
node.internal-address=%[1]s
coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port=%[2]s
discovery.uri=http://%[3]s
catalog.config-dir=%[4]s
plugin.dir=%[5]s
web-ui.enabled=false
query.max-memory=256MB
query.max-memory-per-node=256MB
query.min-expire-age=10s
task.concurrency=1
task.min-writer-count=1
task.max-writer-count=1
task.scale-writers.enabled=false
scale-writers=false
redistribute-writes=false
use-preferred-write-partitioning=false
task.cpu-timer-enabled=false
task.per-operator-cpu-timer-enabled=false
task.statistics-cpu-timer-enabled=false
optimizer.complex-expression-pushdown.enabled=false
optimizer.dictionary-aggregation=false
optimizer.optimize-hash-generation=false
optimizer.pre-aggregate-case-aggregations.enabled=false
optimizer.optimize-duplicate-insensitive-joins=false
optimizer.optimize-top-n-ranking=false
optimizer.use-table-scan-node-partitioning=false
distributed-sort=false
spatial-joins-enabled=false
query.remote-task.enable-adaptive-request-size=false
query.execution-policy=all-at-once
experimental.concurrent-startup=true
failure-detector.enabled=false
query.client.timeout=10m
enable-stats-calculator=false
statistics-precalculation-for-pushdown.enabled=false
optimizer.join-reordering-strategy=NONE
optimizer.use-cost-based-partitioning=false
join-distribution-type=BROADCAST
enable-dynamic-filtering=false
task.info-update-interval=10s
query.max-history=5
`, host, port, address, catalogs, filepath.Join(o.Home, "plugin")),

		// Tables are made from definitions of Glue, with projected partitions as there.
		// Folders in folders are read, as Athena does.
		filepath.Join(catalogs, Catalog+".properties"): fmt.Sprintf(`connector.name=hive
hive.metastore=file
hive.metastore.catalog.dir=s3://%[1]s/meta
hive.metastore.disable-location-checks=true
hive.partition-projection-enabled=true
hive.recursive-directories=true
hive.non-managed-table-writes-enabled=true
hive.max-partitions-per-writers=100
fs.hadoop.enabled=false
fs.native-s3.enabled=true
s3.endpoint=%[2]s
s3.region=us-east-1
s3.path-style-access=true
s3.aws-access-key=test
s3.aws-secret-key=test
`, o.Bucket, o.S3Endpoint),
	}
	if err := os.MkdirAll(catalogs, 0o700); err != nil {
		return "", err
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	return config, nil
}
