package elevosim_test

import (
	"testing"

	"rollcall/connectors/elevo/elevosim"
)

const header = "first_name,last_name,email,username,manager_email,manager_username\n"

func TestMissingPeopleAreSuspendedWhereItIsSetUpSo(t *testing.T) {
	for _, suspends := range []bool{true, false} {
		intake := elevosim.Intake{SuspendMissing: suspends}
		for _, file := range []string{header + "Ada,A,ada@x.example,,,\nBo,B,,bo,ada@x.example,\n", header + "Ada,A,ada@x.example,,,\n"} {
			if err := intake.Read([]byte(file)); err != nil {
				t.Fatal(err)
			}
		}
		people := intake.People()
		if len(people) != 2 || people[0].Suspended || people[1].Login != "bo" || people[1].Suspended != suspends {
			t.Errorf("suspends %v: %+v", suspends, people)
		}
		if err := intake.Read([]byte(header + "Ada,A,ada@x.example,,,\nBo,B,,bo,,\n")); err != nil || intake.People()[1].Suspended {
			t.Errorf("somebody who is back stays suspended: %v", err)
		}
	}
}

func TestFilesThatCannotBeImportedChangeNobody(t *testing.T) {
	var intake elevosim.Intake
	if err := intake.Read([]byte(header + "Ada,A,ada@x.example,,,\n")); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"nothing":         "",
		"half a line":     header + "Bo,B,bo@x.example\n",
		"open quote":      header + `Bo,"B`,
		"no such column":  "first_name,last_name\nBo,B\n",
		"no login":        header + "Bo,B,,,,\n",
		"login twice":     header + "Bo,B,bo@x.example,,,\nBo,B,BO@x.example,,,\n",
		"unknown manager": header + "Bo,B,bo@x.example,,ada@x.example,\n",
		"own manager":     header + "Bo,B,,bo,,bo\n",
	} {
		if err := intake.Read([]byte(file)); err == nil || len(intake.People()) != 1 {
			t.Errorf("%s: %v, %d people", name, err, len(intake.People()))
		}
	}
}
