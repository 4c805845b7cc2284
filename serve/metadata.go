package serve

import (
	"net/http"
	"strconv"
	"time"
)

// platform is what the protocol calls the kind of a model.
const platform = "mixnet"

// The names of tensors in the Open Inference Protocol, but for those of
// detectors' outputs. Metadata list inputName and logitsName; the others are
// accepted as well.
const (
	inputName         = "input"         // FP32, pictures × channels × height × width, normalised
	imageName         = "image"         // BYTES, a picture file each
	logitsName        = "logits"        // FP32, pictures × classes
	probabilitiesName = "probabilities" // likewise, the softmax of them
)

// mostBatch is the batch size that model configurations name. Larger ones are
// taken as well, within the limit on a request.
const mostBatch = 64

// extensions are those of the protocol that are there.
var extensions = []string{"classification", "model_repository", "model_configuration", "binary_tensor_data", "parameters", "statistics"}

func (h *Handler) serverMetadata(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"name": platform, "version": h.options.Version, "extensions": extensions})
}

// withModel answers with what f says of the model that the address names.
func (h *Handler) withModel(w http.ResponseWriter, r *http.Request, f func(*instance) any) {
	i, err := h.models.acquire(r.PathValue("model"), r.PathValue("version"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	defer i.release()
	writeJSON(w, http.StatusOK, f(i))
}

func (h *Handler) modelReady(w http.ResponseWriter, r *http.Request) {
	h.withModel(w, r, func(i *instance) any { return map[string]any{"name": i.name, "ready": true} })
}

// tensorMetadata describes an input or output.
type tensorMetadata struct {
	Name     string `json:"name"`
	Datatype string `json:"datatype"`
	Shape    []int  `json:"shape"`
}

func (h *Handler) modelMetadata(w http.ResponseWriter, r *http.Request) {
	h.withModel(w, r, func(i *instance) any {
		return map[string]any{
			"name": i.name, "versions": []string{i.version}, "platform": platform,
			"inputs":     []tensorMetadata{{inputName, "FP32", []int{-1, i.in.Channels, i.in.Size[0], i.in.Size[1]}}},
			"outputs":    i.outputs(),
			"properties": properties(i),
		}
	})
}

// properties are what clients need to prepare pictures themselves.
func properties(i *instance) map[string]any {
	return map[string]any{
		"network": i.network.Header().Network, "classes": i.labels(), "preprocessing": i.in,
	}
}

func (h *Handler) modelConfig(w http.ResponseWriter, r *http.Request) {
	h.withModel(w, r, func(i *instance) any {
		var outputs []map[string]any
		for _, o := range i.outputs() {
			outputs = append(outputs, map[string]any{"name": o.Name, "data_type": "TYPE_" + o.Datatype, "dims": o.Shape[1:], "label_filename": ""})
		}
		return map[string]any{
			"name": i.name, "platform": platform, "backend": platform, "max_batch_size": mostBatch,
			"version_policy": map[string]any{"latest": map[string]int{"num_versions": 1}},
			"input": []map[string]any{{
				"name": inputName, "data_type": "TYPE_FP32", "format": "FORMAT_NCHW",
				"dims": []int{i.in.Channels, i.in.Size[0], i.in.Size[1]},
			}},
			"output": outputs,
		}
	})
}

// list is for clients that show a choice of models.
func (h *Handler) list(w http.ResponseWriter, _ *http.Request) {
	names := []string{}
	for _, s := range h.models.all() {
		if version, _ := h.models.state(s); version != "" {
			names = append(names, s.name)
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"models": names})
}

// choiceEntry is a model that there is to choose.
type choiceEntry struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Task    string `json:"task"`    // classify or detect
	Classes int    `json:"classes"` // that it knows
	Maps    bool   `json:"maps"`    // whether POST /v1/classify has explain=1 for it
	Weights bool   `json:"weights"` // whether a browser may run it
}

// choice answers with the models that there are, for people who choose one.
func (h *Handler) choice(w http.ResponseWriter, _ *http.Request) {
	models := []choiceEntry{}
	for _, s := range h.models.all() {
		i, err := h.models.acquire(s.name, "")
		if err != nil {
			continue // unloaded
		}
		e := choiceEntry{Name: i.name, Version: i.version, Task: "classify", Classes: len(i.labels())}
		if i.detector != nil {
			e.Task = "detect"
		} else {
			e.Maps = i.classifier.Explains() == nil
		}
		e.Weights = h.lends(i)
		i.release()
		models = append(models, e)
	}
	writeJSON(w, http.StatusOK, map[string]any{"models": models})
}

// indexEntry is a model of the repository index.
type indexEntry struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	State   string `json:"state,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

func (h *Handler) repositoryIndex(w http.ResponseWriter, r *http.Request) {
	ask, err := readSmall[struct {
		Ready bool `json:"ready"`
	}](h, w, r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	index, err := h.index(ask.Ready)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, index)
}

// index lists the models, those that are not loaded as well unless only those
// that are ready are wanted.
func (h *Handler) index(onlyReady bool) ([]indexEntry, error) {
	index := []indexEntry{}
	for _, s := range h.models.all() {
		if version, reason := h.models.state(s); version != "" {
			index = append(index, indexEntry{s.name, version, "READY", ""})
		} else if !onlyReady {
			index = append(index, indexEntry{s.name, "", "UNAVAILABLE", reason})
		}
	}
	if !onlyReady {
		more, err := h.models.available()
		if err != nil {
			return nil, err
		}
		for _, name := range more {
			index = append(index, indexEntry{Name: name})
		}
	}
	return index, nil
}

func (h *Handler) loadModel(w http.ResponseWriter, r *http.Request) {
	if err := h.noOverrides(w, r); err != nil {
		h.fail(w, r, err)
		return
	}
	if err := h.Load(r.Context(), r.PathValue("model")); err != nil {
		h.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, struct{}{})
}

// noOverrides refuses parameters that would change what is loaded: a
// configuration, or files, of the client's.
func (h *Handler) noOverrides(w http.ResponseWriter, r *http.Request) error {
	ask, err := readSmall[struct {
		Parameters map[string]any `json:"parameters"`
	}](h, w, r)
	if err != nil {
		return err
	}
	for name := range ask.Parameters {
		return failf(http.StatusBadRequest, "parameter %q: models are loaded as they lie in the repository", name)
	}
	return nil
}

func (h *Handler) unloadModel(w http.ResponseWriter, r *http.Request) {
	if err := h.Unload(r.PathValue("model")); err != nil {
		h.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, struct{}{})
}

// modelStatistics are those of the statistics extension.
type modelStatistics struct {
	Name           string           `json:"name"`
	Version        string           `json:"version"`
	LastInference  int64            `json:"last_inference"` // ms since 1970
	InferenceCount int64            `json:"inference_count"`
	ExecutionCount int64            `json:"execution_count"`
	Inference      map[string]tally `json:"inference_stats"`
	Batches        []batchStatistic `json:"batch_stats"`
}

type batchStatistic struct {
	Size   int   `json:"batch_size"`
	Input  tally `json:"compute_input"`
	Infer  tally `json:"compute_infer"`
	Output tally `json:"compute_output"`
}

func (s *stats) report(name, version string) modelStatistics {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := modelStatistics{
		Name: name, Version: version, InferenceCount: s.pictures, ExecutionCount: s.runs,
		Inference: map[string]tally{
			"success": s.success, "fail": s.fail, "queue": s.queue,
			"compute_input": s.prepare, "compute_infer": s.network, "compute_output": s.output,
			"cache_hit": {}, "cache_miss": {},
		},
		Batches: []batchStatistic{},
	}
	if s.last != (time.Time{}) {
		m.LastInference = s.last.UnixMilli()
	}
	for n := range mostBatch + 1 {
		if t, ok := s.batches[n]; ok {
			m.Batches = append(m.Batches, batchStatistic{Size: n, Infer: t})
		}
	}
	return m
}

func (h *Handler) statistics(w http.ResponseWriter, r *http.Request) {
	h.withModel(w, r, func(i *instance) any {
		return map[string]any{"model_stats": []modelStatistics{i.stats.report(i.name, i.version)}}
	})
}

func (h *Handler) allStatistics(w http.ResponseWriter, _ *http.Request) {
	all := []modelStatistics{}
	for _, s := range h.models.all() {
		version, _ := h.models.state(s)
		all = append(all, s.stats.report(s.name, version))
	}
	writeJSON(w, http.StatusOK, map[string]any{"model_stats": all})
}

// count is a number of things in words.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
