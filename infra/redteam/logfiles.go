package main

import (
	"encoding/hex"
	"os"
	"strconv"
	"time"

	"loch/infra/local/wal"
	"loch/shared/event"
)

// readLog reads the write-ahead log, on a copy of it, row by row.
func (e *evidence) readLog(dir string) error {
	work, err := os.MkdirTemp("", "redteam-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := copyFolder(work, dir); err != nil {
		return err
	}
	log, _, err := wal.Open(work, wal.Options{Now: time.Now})
	if err != nil {
		return err
	}
	for _, s := range log.Segments() {
		if _, err := log.Read(s.Seq, 0, e.takeParcel); err != nil {
			e.problem("the log's segment %d: %v", s.Seq, err)
		}
	}
	return log.Close()
}

func (e *evidence) takeParcel(p *event.Parcel) error {
	for i := range p.Rows {
		e.takeEvent(&p.Rows[i])
	}
	for i := range p.Rejected {
		r := &p.Rejected[i]
		for _, s := range []string{r.Project, r.Protocol, r.RequestID, string(r.Reason), r.Field} {
			e.add("the log's rejected inputs", s, "", false)
		}
		e.addBinary("the log's rejected inputs", r.Sealed)
	}
	e.add("the log's receipts", p.Receipt.RequestID, "", false)
	return nil
}

// takeEvent keeps a row of the log as takeRow keeps one of a file.
func (e *evidence) takeEvent(at *event.Row) {
	r := row{timeMS: at.TimeMS, batchIndex: strconv.FormatInt(at.BatchIndex, 10), file: "the log"}
	who := at.UserID
	if who == "" {
		who = at.DeviceID
	}
	for _, c := range event.Columns {
		switch {
		case c.Str != nil:
			s := *c.Str(at)
			if field := r.field(c.Name); field != nil {
				*field = s
			}
			if c.Type == event.JSON && s != "" {
				e.addJSON(c.Name, s, who)
			} else {
				e.add(c.Name, s, who, false)
			}
		case c.Num != nil:
			e.add(c.Name, strconv.FormatInt(*c.Num(at), 10), who, false)
		}
	}
	r.date = at.Date
	e.addRow(r)
}

// isLakeID tells 32 hexadecimal digits.
func isLakeID(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 32
}
