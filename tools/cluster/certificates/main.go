// Makes the keys and certificates of a control plane that lives on loopback for one test session.
//
//	certificates FOLDER NAME=ORGANISATION...
//
// writes ca.crt, server.crt and server.key for the servers, service-accounts.key to sign tokens with, and
// NAME.crt and NAME.key for each client. Go is there anyway to build the servers, and Python's standard library
// cannot sign a certificate.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A session ends long before: what is left behind on a disk soon opens nothing.
const lifetime = 24 * time.Hour

func must[T any](result T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return result
}

func write(path, kind string, content []byte) {
	block := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		log.Fatal(err)
	}
}

func newKey(path string) *ecdsa.PrivateKey {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	if path != "" {
		write(path, "EC PRIVATE KEY", must(x509.MarshalECPrivateKey(key)))
	}
	return key
}

func template(name, organisation string) *x509.Certificate {
	subject := pkix.Name{CommonName: name}
	if organisation != "" {
		subject.Organization = []string{organisation}
	}
	return &x509.Certificate{
		SerialNumber: must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 62))),
		Subject:      subject,
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: certificates FOLDER NAME=ORGANISATION...")
	}
	in := func(file string) string { return filepath.Join(os.Args[1], file) }

	authority := template("modelyard-tests", "")
	authority.IsCA, authority.BasicConstraintsValid = true, true
	authority.KeyUsage |= x509.KeyUsageCertSign
	authority.ExtKeyUsage = nil
	authorityKey := newKey("")
	signed := func(cert *x509.Certificate, public crypto.PublicKey) []byte {
		return must(x509.CreateCertificate(rand.Reader, cert, authority, public, authorityKey))
	}
	write(in("ca.crt"), "CERTIFICATE", signed(authority, &authorityKey.PublicKey))

	server := template("localhost", "")
	server.DNSNames = []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "metrics-server.kube-system.svc"}
	server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	write(in("server.crt"), "CERTIFICATE", signed(server, &newKey(in("server.key")).PublicKey))

	newKey(in("service-accounts.key"))
	for _, argument := range os.Args[2:] {
		name, organisation, _ := strings.Cut(argument, "=")
		file := in(strings.ReplaceAll(name, ":", "-"))
		client := signed(template(name, organisation), &newKey(file+".key").PublicKey)
		write(file+".crt", "CERTIFICATE", client)
	}
}
