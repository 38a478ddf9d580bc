package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

var errUnknownLogstore = errors.New("no such logstore")

// The names of projects and logstores can't lead out of their folder.
var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{1,62}$`)

// logstores are files: folder/PROJECT/STORE.jsonl.
type logstores struct {
	folder string
	keys   string
	mu     sync.Mutex
}

// admits returns whether the key may write to the project.
func (l *logstores) admits(project, password string) bool {
	id, secret, found := strings.Cut(password, "#")
	if !found || id == "" || secret == "" || !validName.MatchString(project) {
		return false
	}
	if status, err := os.Stat(filepath.Join(l.folder, project)); err != nil || !status.IsDir() {
		return false
	}
	content, err := os.ReadFile(l.keys)
	if err != nil {
		return false
	}
	var keys map[string]string
	return json.Unmarshal(content, &keys) == nil && keys[id] == secret
}

// file returns the path of the topic's logstore, and whether the topic's records are JSON.
func (l *logstores) file(project, topic string) (file string, isJSON bool, err error) {
	store, isJSON := strings.CutSuffix(topic, ".json")
	if !validName.MatchString(project) || !validName.MatchString(store) {
		return "", false, errUnknownLogstore
	}
	file = filepath.Join(l.folder, project, store+".jsonl")
	if _, err := os.Stat(file); err != nil {
		return "", false, errUnknownLogstore
	}
	return file, isJSON, nil
}

// add writes all records or none before it returns.
func (l *logstores) add(project, topic string, values [][]byte) error {
	file, isJSON, err := l.file(project, topic)
	if err != nil {
		return err
	}
	received := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	for _, value := range values {
		var fields map[string]any
		if !isJSON || json.Unmarshal(value, &fields) != nil {
			fields = map[string]any{"content": string(value)}
		}
		if err := encoder.Encode(map[string]any{"received": received, "fields": fields}); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	store, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return errUnknownLogstore
	}
	_, err = store.Write(lines.Bytes())
	return errors.Join(err, store.Close())
}
