package serve

import (
	"net/http"

	"google.golang.org/protobuf/encoding/protowire"
)

// methods are those of the Open Inference Protocol over gRPC, and of gRPC's
// health checks.
func (h *Handler) methods() map[string]grpcMethod {
	const inference = "/inference.GRPCInferenceService/"
	return map[string]grpcMethod{
		inference + "ServerLive": func(*http.Request, []byte) ([]byte, error) { return written(func(m *message) { m.yes(1, true) }), nil },
		inference + "ServerReady": func(*http.Request, []byte) ([]byte, error) {
			return written(func(m *message) { m.yes(1, h.ready()) }), nil
		},
		inference + "ServerMetadata":        h.rpcServer,
		inference + "ModelReady":            h.rpcReady,
		inference + "ModelMetadata":         h.rpcModel(writeMetadata),
		inference + "ModelConfig":           h.rpcModel(writeConfig),
		inference + "ModelStatistics":       h.rpcStatistics,
		inference + "ModelInfer":            h.rpcInfer,
		inference + "RepositoryIndex":       h.rpcIndex,
		inference + "RepositoryModelLoad":   h.rpcChange(func(r *http.Request, name string) error { return h.Load(r.Context(), name) }),
		inference + "RepositoryModelUnload": h.rpcChange(func(_ *http.Request, name string) error { return h.Unload(name) }),
	}
}

func written(write func(*message)) []byte {
	var m message
	write(&m)
	return m
}

// rpcHealth answers gRPC's health check.
func (h *Handler) rpcHealth(_ *http.Request, b []byte) ([]byte, error) {
	ask, err := texts(b, 1)
	if err != nil {
		return nil, err
	}
	if s := ask[1]; s != "" && s != "inference.GRPCInferenceService" {
		return nil, failf(http.StatusNotFound, "unknown service %q", s)
	}
	status := uint64(1) // SERVING
	if !h.ready() {
		status = 2 // NOT_SERVING
	}
	return written(func(m *message) { m.number(1, status) }), nil
}

func (h *Handler) rpcServer(*http.Request, []byte) ([]byte, error) {
	return written(func(m *message) {
		m.text(1, platform)
		m.text(2, h.options.Version)
		for _, e := range extensions {
			m.text(3, e)
		}
	}), nil
}

func (h *Handler) rpcReady(_ *http.Request, b []byte) ([]byte, error) {
	ask, err := texts(b, 2)
	if err != nil {
		return nil, err
	}
	i, err := h.models.acquire(ask[1], ask[2])
	if err == nil {
		i.release()
	}
	return written(func(m *message) { m.yes(1, err == nil) }), nil
}

// rpcModel answers with what write says of the model that is named.
func (h *Handler) rpcModel(write func(*message, *instance)) grpcMethod {
	return func(_ *http.Request, b []byte) ([]byte, error) {
		ask, err := texts(b, 2)
		if err != nil {
			return nil, err
		}
		i, err := h.models.acquire(ask[1], ask[2])
		if err != nil {
			return nil, err
		}
		defer i.release()
		return written(func(m *message) { write(m, i) }), nil
	}
}

func writeMetadata(m *message, i *instance) {
	m.text(1, i.name)
	m.text(2, i.version)
	m.text(3, platform)
	tensor := func(name, datatype string, shape ...int) func(*message) {
		return func(m *message) {
			m.text(1, name)
			m.text(2, datatype)
			m.shape(3, shape)
		}
	}
	m.part(4, tensor(inputName, "FP32", -1, i.in.Channels, i.in.Size[0], i.in.Size[1]))
	for _, o := range i.outputs() {
		m.part(5, tensor(o.Name, o.Datatype, o.Shape...))
	}
}

func writeConfig(m *message, i *instance) {
	const channelsFirst = 2
	types := map[string]uint64{"INT64": 9, "FP32": 11}
	m.part(1, func(m *message) {
		m.text(1, i.name)
		m.text(2, platform)
		m.number(4, mostBatch)
		m.part(5, func(m *message) {
			m.text(1, inputName)
			m.number(2, types["FP32"])
			m.number(3, channelsFirst)
			m.shape(4, []int{i.in.Channels, i.in.Size[0], i.in.Size[1]})
		})
		for _, o := range i.outputs() {
			m.part(6, func(m *message) {
				m.text(1, o.Name)
				m.number(2, types[o.Datatype])
				m.shape(3, o.Shape[1:])
			})
		}
		m.text(17, platform)
	})
}

// rpcStatistics reports on the model that is named, or on all.
func (h *Handler) rpcStatistics(_ *http.Request, b []byte) ([]byte, error) {
	ask, err := texts(b, 2)
	if err != nil {
		return nil, err
	}
	var answer message
	for _, s := range h.models.all() {
		version, _ := h.models.state(s)
		if ask[1] == "" || ask[1] == s.name && (ask[2] == "" || ask[2] == version) {
			answer.part(1, s.stats.report(s.name, version).write)
		}
	}
	if ask[1] != "" && len(answer) == 0 {
		return nil, unknownModel(ask[1])
	}
	return answer, nil
}

func (s modelStatistics) write(m *message) {
	tallied := func(t tally) func(*message) {
		return func(m *message) {
			m.number(1, uint64(t.Count))
			m.number(2, uint64(t.NS))
		}
	}
	m.text(1, s.Name)
	m.text(2, s.Version)
	m.number(3, uint64(s.LastInference))
	m.number(4, uint64(s.InferenceCount))
	m.number(5, uint64(s.ExecutionCount))
	m.part(6, func(m *message) {
		for i, name := range []string{"success", "fail", "queue", "compute_input", "compute_infer", "compute_output"} {
			m.part(protowire.Number(i+1), tallied(s.Inference[name]))
		}
	})
	for _, b := range s.Batches {
		m.part(7, func(m *message) {
			m.number(1, uint64(b.Size))
			m.part(2, tallied(b.Input))
			m.part(3, tallied(b.Infer))
			m.part(4, tallied(b.Output))
		})
	}
}

func (h *Handler) rpcIndex(_ *http.Request, b []byte) ([]byte, error) {
	onlyReady := false
	err := fields(b, func(v field) error {
		onlyReady = onlyReady || v.id == 2 && v.number != 0
		return nil
	})
	if err != nil {
		return nil, err
	}
	index, err := h.index(onlyReady)
	if err != nil {
		return nil, err
	}
	return written(func(m *message) {
		for _, e := range index {
			m.part(1, func(m *message) {
				m.text(1, e.Name)
				m.text(2, e.Version)
				m.text(3, e.State)
				m.text(4, e.Reason)
			})
		}
	}), nil
}

// rpcChange loads or unloads the model that is named, if that is allowed.
func (h *Handler) rpcChange(change func(*http.Request, string) error) grpcMethod {
	return func(r *http.Request, b []byte) ([]byte, error) {
		if !h.options.AllowLoad {
			return nil, errNoLeave
		}
		name := ""
		var p parameter
		err := fields(b, func(v field) (err error) {
			switch v.id {
			case 2:
				name = string(v.bytes)
			case 3:
				p, err = readParameter(v.bytes)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if p.name != "" && p.name != "unload_dependents" {
			return nil, failf(http.StatusBadRequest, "parameter %q: models are loaded as they lie in the repository", p.name)
		}
		return nil, change(r, name)
	}
}
