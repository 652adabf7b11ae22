package instance

import "loch/infra/aws/dynamo"

// CountStore returns what counts the calls of DynamoDB's stores among the metrics.
func (in *Instance) CountStore() func(dynamo.Call) {
	return func(c dynamo.Call) {
		in.Metrics.Add("StoreCalls", "Count", 1)
		in.Metrics.Add("StoreReadUnits", "Count", c.Reads)
		in.Metrics.Add("StoreWriteUnits", "Count", c.Writes)
		if c.Failed {
			in.Metrics.Add("StoreCallsFailed", "Count", 1)
		}
	}
}
