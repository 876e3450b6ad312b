package appliance

import (
	"strings"
	"testing"
)

// A status that there is not finds nobody, which reads as if nobody had it.
func TestAQueryNamesAStatusThatThereIs(t *testing.T) {
	if _, err := parseQuery("status:inactve sales"); err == nil || !strings.Contains(err.Error(), "pending, active, leave, inactive, unknown") {
		t.Errorf("a slip: %v", err)
	}
	for _, status := range statuses {
		if q, err := parseQuery("status:" + status); err != nil || q.status != status {
			t.Errorf("%s: %+v, %v", status, q, err)
		}
	}
}
