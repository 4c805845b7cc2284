package launch

import "testing"

func TestDetect(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		want Launch
	}{
		"alone":    {nil, Launch{Size: 1}},
		"hydra":    {map[string]string{"PMI_RANK": "3", "PMI_SIZE": "4"}, Launch{PMI, 3, 4}},
		"open mpi": {map[string]string{"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2", "PMIX_RANK": "0"}, Launch{OpenMPI, 0, 2}},
		"srun":     {map[string]string{"PMIX_RANK": "1", "SLURM_NTASKS": "2"}, Launch{PMIx, 1, 2}},
		"no size":  {map[string]string{"PMI_RANK": "3"}, Launch{Size: 1}},
		"nonsense": {map[string]string{"PMI_RANK": "4", "PMI_SIZE": "4"}, Launch{Size: 1}},
	} {
		if got := detect(func(k string) string { return tc.env[k] }); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}
