package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// The domain that contains all names of SLS.
const slsDomain = ".log.aliyuncs.com"

// authority signs a certificate for each name of SLS that a client asks for.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	mu          sync.Mutex
	signed      map[string]*tls.Certificate
}

// makeAuthority creates folder/ca.crt and folder/ca.key, if they do not exist.
func makeAuthority(folder string) error {
	if _, err := os.Stat(filepath.Join(folder, "ca.crt")); err == nil {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          serialNumber(),
		Subject:               pkix.Name{CommonName: "sms-machine"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().AddDate(10, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
		// Valid only for SLS's names, because other programs may trust this authority too.
		PermittedDNSDomains:         []string{strings.TrimPrefix(slsDomain, ".")},
		PermittedDNSDomainsCritical: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	encodedKey, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	// The certificate is written last: if it exists, the key exists too.
	if err := writePEM(filepath.Join(folder, "ca.key"), "EC PRIVATE KEY", encodedKey, 0o600); err != nil {
		return err
	}
	return writePEM(filepath.Join(folder, "ca.crt"), "CERTIFICATE", certificate, 0o644)
}

func loadAuthority(folder string) (*authority, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(folder, "ca.crt"), filepath.Join(folder, "ca.key"))
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("ca.key is not an ECDSA key")
	}
	return &authority{certificate: pair.Leaf, key: key, signed: map[string]*tls.Certificate{}}, nil
}

func (a *authority) certificateFor(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := hello.ServerName
	if !strings.HasSuffix(name, slsDomain) {
		return nil, fmt.Errorf("no certificate for %q: not a name of SLS", name)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.signed[name]; known != nil {
		return known, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serialNumber(),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(1, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	a.signed[name] = &tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}
	return a.signed[name], nil
}

func writePEM(file, kind string, content []byte, mode os.FileMode) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), mode)
}

func serialNumber() *big.Int {
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err)
	}
	return number
}
