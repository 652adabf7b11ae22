//go:build geofile

package enrich

import "embed"

// A function on Lambda has the countries as a file beside its binary, which is
// mapped into memory and read where an address leads: half of the binary would be
// countries else, to be loaded at each start. Options.GeoPath says where it is.
//
//go:embed data/made-*.gz data/made-here.txt
var made embed.FS
