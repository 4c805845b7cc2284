// Package train trains networks: by a recipe, on a data set, for a task, with a
// record in a folder from which an interrupted run goes on to the bit.
//
// A [Trainer] is a whole run. [New] prepares it, [Trainer.Run] trains until the
// recipe is done or the context is. With [Config].Dir it keeps a run folder:
// the last state, the best model so far, the metrics of every epoch as JSON and
// for TensorBoard, and what the run is. [Open] reads such a folder, from which
// [Saved.Resume] goes on and [Saved.Extend] goes further; [Prepare] does
// whichever of New and Resume is due. A folder is locked while its run works.
//
// A [Stepper] is the training step alone, for loops of one's own: a search that
// samples networks, or a step that several machines share.
//
// What a network learns is a task.Task: package train/classify tells classes
// apart, and is what a Trainer does unless told otherwise. How is a
// recipe.Recipe. The rules that move parameters are those of train/optim.
//
// Together with the network, the data and the number of threads, a recipe
// determines every number of a run.
package train
