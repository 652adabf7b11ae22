package sample

// dice is the source of everything that varies: a splitmix64 stream. It is our
// own, and all arithmetic on it is on integers, so that the same seed gives the
// same bytes with every Go release and on every processor.
type dice uint64

// seeded starts a stream that depends on every part. What is drawn for one
// person, day or step never depends on who was looked at before, which is what
// lets a life be replayed from its number alone.
func seeded(parts ...uint64) dice {
	h := uint64(0x9e3779b97f4a7c15)
	for _, p := range parts {
		h = scramble(h ^ p)
	}
	return dice(h)
}

func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (d *dice) next() uint64 {
	x := uint64(*d)
	*d = dice(x + 0x9e3779b97f4a7c15)
	return scramble(x)
}

// below draws from 0 to n-1.
func (d *dice) below(n int) int {
	return int((d.next() >> 32) * uint64(n) >> 32)
}

// between draws from lo to hi, both included.
func (d *dice) between(lo, hi int) int {
	return lo + d.below(hi-lo+1)
}

// chance says yes perMille times in a thousand.
func (d *dice) chance(perMille int) bool {
	return d.below(1000) < perMille
}

// lean draws from 0 to n-1, small numbers more often: the smallest of three
// draws. The first tenth comes up about one time in four.
func (d *dice) lean(n int) int {
	return min(d.below(n), d.below(n), d.below(n))
}

// spread draws from a log-normal distribution around a median: most are near,
// few are many times as large, as times spent and activity are among people.
func (d *dice) spread(median int64) int64 {
	x := d.next()
	i := x >> 58 // 6 bits choose the step, the next 16 the place within it
	part := int64(x >> 42 & 0xffff)
	q := quantiles[i] + (quantiles[i+1]-quantiles[i])*part>>16
	return median * q / 1000
}

// quantiles are those of a log-normal distribution with sigma 1, in thousandths
// of the median, at 65 even steps.
var quantiles = [65]int64{
	89, 136, 171, 200, 227, 253, 278, 302, 325, 349, 372, 396, 419,
	443, 467, 491, 516, 541, 566, 592, 618, 645, 673, 702, 731, 761,
	792, 824, 857, 891, 926, 962, 1000, 1039, 1080, 1123, 1168, 1214, 1263,
	1314, 1368, 1425, 1485, 1549, 1617, 1689, 1767, 1850, 1940, 2037, 2142, 2258,
	2386, 2527, 2686, 2866, 3073, 3315, 3602, 3954, 4400, 4996, 5864, 7345, 11282,
}

const base36 = "0123456789abcdefghijklmnopqrstuvwxyz"

// text36 appends n characters as Math.random().toString(36) makes them.
func (d *dice) text36(b []byte, n int) []byte {
	for range n {
		b = append(b, base36[d.below(36)])
	}
	return b
}

const hexDigits = "0123456789abcdef"

// hex appends n hexadecimal digits.
func (d *dice) hex(b []byte, n int) []byte {
	for range n {
		b = append(b, hexDigits[d.next()>>60])
	}
	return b
}

// uuid appends a random UUID of version 4.
func (d *dice) uuid(b []byte) []byte {
	b = append(d.hex(b, 8), '-')
	b = append(d.hex(b, 4), '-', '4')
	b = append(d.hex(b, 3), '-', "89ab"[d.below(4)])
	b = append(d.hex(b, 3), '-')
	return d.hex(b, 12)
}

// choice draws an index by weight. It is made once from a table of weights.
type choice [1024]uint8

func choose(n int, weight func(i int) int) *choice {
	total := 0
	for i := range n {
		total += weight(i)
	}
	var c choice
	at, sum := 0, 0
	for i := range n {
		sum += weight(i)
		for ; at < len(c)*sum/total; at++ {
			c[at] = uint8(i)
		}
	}
	return &c
}

func (c *choice) draw(d *dice) int { return int(c[d.next()>>54]) }
