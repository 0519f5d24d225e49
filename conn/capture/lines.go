package capture

import (
	"fmt"
	"slices"
)

// The words of multistream-select (libp2p specs, connections/README.md), written
// down once more: see frames.go.
const (
	headerLine  = "/multistream/1.0.0"
	refusedLine = "na"
)

// nextLine reads one line of multistream-select from the front of data. n is 0
// when there is not enough data.
func nextLine(data []byte) (text string, n int, err error) {
	length, head, err := uvarint(data)
	if head == 0 || err != nil {
		return "", 0, err
	}
	if length == 0 || length > 1024 {
		return "", 0, fmt.Errorf("a line of multistream-select has %d bytes", length)
	}
	n = head + int(length)
	if len(data) < n {
		return "", 0, nil
	}
	if data[n-1] != '\n' {
		return "", 0, fmt.Errorf("a line of multistream-select ends with %q and not with a newline", data[n-1])
	}
	return string(data[head : n-1]), n, nil
}

// An agreement follows one multistream-select from outside.
type agreement struct {
	dialer  Side
	headed  [2]bool // the side has sent its header
	rest    [2][]byte
	offers  []string
	replies []string
	agreed  string
	lazy    bool // the dialer went on before the answer was there
}

// refused reports whether the last offer was refused.
func (a *agreement) refused() bool {
	return len(a.replies) > 0 && len(a.replies) == len(a.offers) && a.agreed == ""
}

// take feeds what one side has sent, and returns what of it belongs to the
// protocol that is agreed on.
func (a *agreement) take(from Side, data []byte) ([]byte, error) {
	data = append(a.rest[from], data...)
	a.rest[from] = nil
	for len(data) > 0 && a.expects(from) {
		text, n, err := nextLine(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
		if n == 0 {
			a.rest[from] = slices.Clone(data)
			return nil, nil
		}
		data = data[n:]
		switch {
		case !a.headed[from]:
			if a.headed[from] = text == headerLine; !a.headed[from] {
				return nil, fmt.Errorf("%s: %q instead of multistream-select's header", from, text)
			}
		case from == a.dialer:
			a.offers = append(a.offers, text)
		default:
			a.replies = append(a.replies, text)
			if text == refusedLine {
				break
			}
			if a.agreed = text; len(a.offers) == 0 || a.offers[len(a.offers)-1] != text {
				return nil, fmt.Errorf("%s: %q was agreed to and %q was offered", from, text, a.offers)
			}
		}
	}
	if from == a.dialer && len(data) > 0 && a.agreed == "" {
		a.lazy = true
	}
	return data, nil
}

// expects reports whether the next bytes of a side are a line.
func (a *agreement) expects(from Side) bool {
	switch {
	case !a.headed[from]:
		return true
	case a.agreed != "" || from == a.dialer && a.lazy:
		return false
	case from == a.dialer:
		return len(a.offers) == len(a.replies)
	}
	// A lazy dialer that was refused is answered nothing more.
	return !(a.lazy && a.refused())
}
