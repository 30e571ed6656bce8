// Command goyaml reads YAML documents, each a JSON string on a line of its own, and answers each with a line:
// the document as JSON, or a JSON string that says why it is none. sigs.k8s.io/yaml is the API server's own parser.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	log.SetFlags(0)
	questions := json.NewDecoder(bufio.NewReader(os.Stdin))
	for {
		var document string
		if err := questions.Decode(&document); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		answer, err := yaml.YAMLToJSONStrict([]byte(document))
		if err != nil {
			if answer, err = json.Marshal("refused: " + err.Error()); err != nil {
				log.Fatal(err)
			}
		}
		if _, err := os.Stdout.Write(append(answer, '\n')); err != nil {
			log.Fatal(err)
		}
	}
}
