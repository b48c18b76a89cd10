package summary

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"os"
)

// An Origin says what the summary of a report was made of and how. Summaries of
// equal origin, of known source, are equal but for the path of the report.
type Origin struct {
	Source  string // the [Fingerprint] of the report; "" if unknown
	Options string // what chose what the summary is of, in the caller's words; "" for all of the report
}

const (
	// fingerprintBlocks and fingerprintBlock bound what Fingerprint reads of
	// a file to 64 MiB.
	fingerprintBlocks = 256
	fingerprintBlock  = 256 << 10
)

// Fingerprint returns what tells the content of a file from that of others: in
// hexadecimal the SHA-256 of its size, as 8 bytes with the least first, and of
// 256 blocks of 256 KiB, evenly spread from the first byte to the last; of a
// file of at most 64 MiB that is all of it. The first block has SQLite's
// counter of changes (https://sqlite.org/fileformat.html#file_change_counter).
// The error is an [*Error].
func Fingerprint(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", unreadable(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", unreadable(path, err)
	}
	size := info.Size()
	h := sha256.New()
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(size)))
	if size <= fingerprintBlocks*fingerprintBlock {
		if _, err := io.Copy(h, io.NewSectionReader(f, 0, size)); err != nil {
			return "", unreadable(path, err)
		}
		return hex.EncodeToString(h.Sum(nil)), nil
	}
	for i := range int64(fingerprintBlocks) {
		// In this order the product stays within bounds for files of 2^55 bytes.
		from := (size - fingerprintBlock) * i / (fingerprintBlocks - 1)
		if _, err := io.Copy(h, io.NewSectionReader(f, from, fingerprintBlock)); err != nil {
			return "", unreadable(path, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
