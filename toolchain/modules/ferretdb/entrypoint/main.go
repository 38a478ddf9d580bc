// entrypoint gives FerretDB the contract of Docker Hub's mongo image: root account from
// MONGO_INITDB_ROOT_USERNAME and MONGO_INITDB_ROOT_PASSWORD, data in /data/db, port 27017.
package main

import (
	"log"
	"os"
	"syscall"
)

func main() {
	username, password := os.Getenv("MONGO_INITDB_ROOT_USERNAME"), os.Getenv("MONGO_INITDB_ROOT_PASSWORD")
	if username == "" || password == "" {
		log.Fatal("MONGO_INITDB_ROOT_USERNAME and MONGO_INITDB_ROOT_PASSWORD must be set")
	}
	environment := []string{
		"FERRETDB_HANDLER=sqlite",
		"FERRETDB_SQLITE_URL=file:/data/db/",
		"FERRETDB_STATE_DIR=/data/db",
		"FERRETDB_LISTEN_ADDR=:27017",
		"FERRETDB_DEBUG_ADDR=-",
		"FERRETDB_TELEMETRY=disable",
		// Checks passwords in FerretDB itself; without it SQLite knows no accounts.
		"FERRETDB_TEST_ENABLE_NEW_AUTH=true",
		"FERRETDB_SETUP_DATABASE=admin",
		"FERRETDB_SETUP_USERNAME=" + username,
		"FERRETDB_SETUP_PASSWORD=" + password,
		"TMPDIR=/tmp",
	}
	log.Fatal(syscall.Exec("/ferretdb", []string{"ferretdb"}, environment))
}
