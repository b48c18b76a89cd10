package nsysdb

// SetExpected changes how many launches Read expects, which is an estimate.
func (db *DB) SetExpected(n int64) { db.capture.Launches = n }
