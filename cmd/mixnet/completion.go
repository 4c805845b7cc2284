package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/mixnet-go/mixnet/zoo"
)

// completionCmd prints the script that connects a shell to "mixnet __complete".
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"One of bash, zsh, fish."`
}

var completionScripts = map[string]string{
	"bash": `# Add to ~/.bashrc:  source <(mixnet completion bash)
_mixnet() {
  local IFS=$'\n'
  COMPREPLY=($(mixnet __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}"))
}
complete -o default -F _mixnet mixnet
`,
	"zsh": `# Add to ~/.zshrc:  source <(mixnet completion zsh)
_mixnet() {
  local -a found
  found=("${(@f)$(mixnet __complete -- "${words[@]:1:$((CURRENT-1))}")}")
  if [[ -n "${found[1]}" ]]; then compadd -- "${found[@]}"; else _files; fi
}
compdef _mixnet mixnet
`,
	"fish": `# Save as ~/.config/fish/completions/mixnet.fish
complete -c mixnet -a '(mixnet __complete -- (commandline -opc)[2..-1] (commandline -ct))'
`,
}

func (c *completionCmd) Run(e *env) error {
	e.printf("%s", completionScripts[c.Shell])
	return nil
}

// completeCmd lists what may stand for the last of the given words.
type completeCmd struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

func (c *completeCmd) Run(e *env) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{""}
	}
	for _, w := range complete(e.app, words) {
		e.printf("%s\n", w)
	}
	return nil
}

// complete returns the candidates for the last word of a command line.
func complete(app *kong.Application, words []string) []string {
	node := app.Node
	last := words[len(words)-1]
	previous := ""
	for _, w := range words[:len(words)-1] {
		previous = w
		for _, child := range node.Children {
			if child.Name == w {
				node = child
			}
		}
	}
	var found []string
	add := func(s string) {
		if strings.HasPrefix(s, last) {
			found = append(found, s)
		}
	}
	flags := slices.Clone(app.Flags)
	if node != app.Node {
		flags = append(flags, node.Flags...)
	}
	for _, f := range flags {
		if previous == "--"+f.Name && !f.IsBool() {
			for _, v := range f.EnumSlice() {
				add(v)
			}
			if f.Name == "model" {
				for _, n := range networks() {
					add(n)
				}
			}
			return found
		}
	}
	if strings.HasPrefix(last, "-") {
		for _, f := range flags {
			if !f.Hidden {
				add("--" + f.Name)
			}
		}
		return found
	}
	for _, child := range node.Children {
		if !child.Hidden {
			add(child.Name)
		}
	}
	for _, p := range node.Positional {
		for _, v := range p.EnumSlice() {
			add(v)
		}
		if p.Name == "name" {
			for _, n := range networks() {
				add(n)
			}
		}
	}
	return found
}

// networks returns the names of the zoo.
func networks() []string {
	var names []string
	for _, s := range zoo.List() {
		names = append(names, s.About().Name)
	}
	return names
}
