// A stand-in for Alibaba Cloud's Simple Log Service (SLS) on one machine. It accepts logs by the Kafka protocol.
//
//	sls authority --folder FOLDER
//	    creates a certificate authority, FOLDER/ca.crt and FOLDER/ca.key, if it does not exist. Clients need ca.crt to trust
//	    this server. It is valid only for names below log.aliyuncs.com.
//
//	sls serve --listen ADDRESS:10011 --authority FOLDER --logs FOLDER --keys FILE
//	    serves TLS with SASL PLAIN, as SLS does at PROJECT.REGION-intranet.log.aliyuncs.com:10011. The server issues a
//	    certificate for the name that a client asks for, and uses it as the broker's name. User: the project. Password:
//	    ID#SECRET.
//
// A project is a folder below --logs. A logstore is a file in it, PROJECT/STORE.jsonl. If the file is created, emptied or
// deleted, the logstore is too, even while the server runs. Each record becomes one line, in the order of arrival. It is
// written before the record is acknowledged:
//
//	{"received": "2026-01-02T03:04:05.678Z", "fields": {"message": "…"}}
//
// The topic STORE.json accepts JSON objects. The topic STORE accepts any text, which becomes {"content": "…"}. The file of
// --keys is a JSON object that maps each accessKeyId to its accessKeySecret. It is read at each login.
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
