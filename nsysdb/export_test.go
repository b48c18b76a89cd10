package nsysdb

// SetExpected changes how many launches Read expects, which is an estimate.
func (db *DB) SetExpected(n int64) { db.capture.Launches = n }

// IsAhead reports whether a query was read ahead and is yet to be asked for.
func IsAhead(db *DB) bool { return db.ahead.Load() != nil }
