package peoplefile_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"rollcall/appliance/peoplefile"
)

// A workbook whose cell names a shared text that is not there once made the library
// panic (GO-2026-6452).
func TestADamagedWorkbookIsRefusedInASentence(t *testing.T) {
	book := excelize.NewFile()
	for cell, text := range map[string]string{"A1": "Email", "A2": "jane@example.com"} {
		if err := book.SetCellStr("Sheet1", cell, text); err != nil {
			t.Fatal(err)
		}
	}
	var whole bytes.Buffer
	if err := book.Write(&whole); err != nil {
		t.Fatal(err)
	}
	if _, err := peoplefile.Read("people.xlsx", whole.Bytes()); err != nil && strings.Contains(err.Error(), "damaged") {
		t.Fatal(err)
	}
	for _, index := range []string{"-1", "99999999", "-9223372036854775808"} {
		in, err := zip.NewReader(bytes.NewReader(whole.Bytes()), int64(whole.Len()))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for _, f := range in.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(f.Name, "sheet1.xml") {
				damaged := bytes.ReplaceAll(raw, []byte("<v>1</v>"), []byte("<v>"+index+"</v>"))
				if bytes.Equal(damaged, raw) {
					t.Fatalf("there is no shared text in %s", raw)
				}
				raw = damaged
			}
			w, err := z.Create(f.Name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(raw); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := peoplefile.Read("people.xlsx", out.Bytes())
		if err == nil {
			t.Errorf("index %s: read as %+v", index, got)
		}
	}
}
