//go:build !geofile

package enrich

import "embed"

// The pattern takes the committed made-here.txt too, so that the package builds
// and vets on a fresh clone, before the data are made.
//
//go:embed data/made-*
var made embed.FS
