// The end of Alibaba Cloud's Simple Log Service (SLS) that takes logs by the Kafka protocol, on one machine.
//
//	sls authority --folder FOLDER
//	    makes a certificate authority, FOLDER/ca.crt and FOLDER/ca.key, unless it is there. Whoever is to trust this end
//	    needs ca.crt; it holds for names below log.aliyuncs.com and no others.
//
//	sls serve --listen ADDRESS:10011 --authority FOLDER --logs FOLDER --keys FILE
//	    serves TLS with SASL PLAIN, as SLS does at PROJECT.REGION-intranet.log.aliyuncs.com:10011. The name that a client
//	    asks for gets a certificate and is what the broker is called. User: the project. Password: ID#SECRET.
//
// A project is a folder below --logs and a logstore a file in it, PROJECT/STORE.jsonl: who makes the file makes the
// logstore, who empties or deletes it does that to the logstore, also while this runs. It takes one line a record, in the
// order of arrival, written before the record is acknowledged:
//
//	{"received": "2026-01-02T03:04:05.678Z", "fields": {"message": "…"}}
//
// To the topic STORE.json, JSON objects; to the topic STORE, anything: {"content": "…"}. --keys is a JSON object,
// accessKeyId to accessKeySecret, read at each login.
package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
)

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC)
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("sls authority or sls serve")
	}
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	switch args[0] {
	case "authority":
		folder := flags.String("folder", "", "where ca.crt and ca.key are, or will be")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		return makeAuthority(*folder)
	case "serve":
		listen := flags.String("listen", "127.0.0.1:10011", "address and port")
		folder := flags.String("authority", "", "the folder with ca.crt and ca.key")
		logs := flags.String("logs", "", "the folder with the projects")
		keys := flags.String("keys", "", "the file with the access keys")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		signer, err := loadAuthority(*folder)
		if err != nil {
			return err
		}
		listener, err := tls.Listen("tcp", *listen, &tls.Config{GetCertificate: signer.certificateFor, MinVersion: tls.VersionTLS12})
		if err != nil {
			return err
		}
		_, port, err := net.SplitHostPort(listener.Addr().String())
		if err != nil {
			return err
		}
		log.Printf("serving at %s", listener.Addr())
		return serve(listener, port, &logstores{folder: *logs, keys: *keys})
	}
	return fmt.Errorf("there is no command %q: sls authority or sls serve", args[0])
}
