package pebble

// column holds one property of many people: a code a row, and what each code
// stands for. Most properties have few values.
type column struct {
	codes  []uint16          // by row; rows behind its end have none
	values []string          // by code; 0 is missing
	at     map[string]uint16 // the reverse
	bytes  int               // of values
	used   int               // rows that have a value
}

// limits bound a shard. A property with more values than that is asked of the
// records themselves.
type limits struct {
	values int // that a column may have
	bytes  int // of a shard's traits
	names  int // of traits without a column that are remembered
}

var usualLimits = limits{values: 4096, bytes: 4 << 20, names: 4096}

const (
	valueBytes = 1100 // of the longest value that a column takes, a group kind among them
	entryBytes = 80   // what an entry of the map and the list takes beside its text
)

// put sets a row's value, nil for none. It is false where the column cannot hold
// the value, and is of no more use then.
func (c *column) put(row int, value []byte, most int) bool {
	code := uint16(0)
	if value != nil {
		var known bool
		if code, known = c.at[string(value)]; !known {
			if len(value) > valueBytes || len(c.values) > most {
				return false
			}
			code = c.add(string(value))
		}
	}
	if row >= len(c.codes) {
		if code == 0 {
			return true
		}
		c.codes = append(c.codes, make([]uint16, row+1-len(c.codes))...)
	}
	if c.codes[row] != 0 {
		c.used--
	}
	if code != 0 {
		c.used++
	}
	c.codes[row] = code
	return true
}

func (c *column) add(value string) uint16 {
	if c.at == nil {
		c.at, c.values = map[string]uint16{}, []string{""}
	}
	code := uint16(len(c.values))
	c.at[value] = code
	c.values = append(c.values, value)
	c.bytes += len(value) + entryBytes
	return code
}

func (c *column) code(row int) uint16 {
	if row < len(c.codes) {
		return c.codes[row]
	}
	return 0
}

// weight is about what the column takes in memory.
func (c *column) weight() int { return 2*cap(c.codes) + c.bytes }

// answers asks each value once. The first answer is for rows without one.
func (c *column) answers(ask func(value string, missing bool) bool) []bool {
	list := make([]bool, max(1, len(c.values)))
	list[0] = ask("", true)
	for i := 1; i < len(list); i++ {
		list[i] = ask(c.values[i], false)
	}
	return list
}
