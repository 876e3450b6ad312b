package ingest

import (
	"rollcall/appliance/store"
	"rollcall/connectors"
)

func knowledgeName(target string) string { return "knowledge:" + target }

// Knowledge returns what is stored of a target's service; zero: nothing.
func (e *Engine) Knowledge(target string) (connectors.Knowledge, error) {
	var k connectors.Knowledge
	err := e.store.View(func(tx *store.Tx) (err error) {
		k, err = KnowledgeOf(tx, target)
		return err
	})
	return k, err
}

// KnowledgeOf is [Engine.Knowledge] within a transaction.
func KnowledgeOf(tx *store.Tx, target string) (connectors.Knowledge, error) {
	var k connectors.Knowledge
	_, err := tx.Setting(knowledgeName(target), &k)
	return k, err
}

// Learned stores what was found out about a target's service, and journals which facts
// are others than before.
func (e *Engine) Learned(target string, k connectors.Knowledge) error {
	return e.update(actorSelf, 0, "", func(c *change) error {
		old, err := KnowledgeOf(c.tx, target)
		if err != nil {
			return err
		}
		before := map[string]string{}
		for _, f := range old.Facts {
			before[f.Name] = f.Value
		}
		for _, f := range k.Facts {
			if before[f.Name] == f.Value {
				continue
			}
			if _, err := c.event("learned", "target:"+target, f.Name+": "+f.Value); err != nil {
				return err
			}
		}
		return c.tx.SetSetting(knowledgeName(target), k)
	})
}
