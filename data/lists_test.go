package data

import (
	"encoding/binary"
	"slices"
	"testing"
)

// TestListHeaders has CSV files whose first row names the columns by whatever
// names, and some without such a row.
func TestListHeaders(t *testing.T) {
	pictures := []string{"d/1.jpg", "d/2.jpg", "d/3.jpg"}
	list := func(header string) []string {
		return append(slices.Clone(pictures), "l.csv="+header+"d/1.jpg,cat\nd/2.jpg,dog\nd/3.jpg,cat\n")
	}
	const want = "train cat 2 dog 1"
	var cases []opened
	for _, header := range []string{
		"", "image_id,label\n", "id,breed\n", "filename,species\n", "Image,Id\n", "img_name,target_class\n", "Image Path,diagnosis\n",
		"\ufefffile_name,class_id\n", "something,else\n", "uuid,taxon\n", "IMAGE.NAME,Y\n",
	} {
		cases = append(cases, opened{name: "header " + header, files: list(header), open: "l.csv", want: want})
	}
	checkOpened(t, append(cases, []opened{
		{name: "unknown names are said", files: list("something,else\n"), open: "l.csv", want: want, says: []string{"the first row, something, else"}},
		{name: "a class named label", files: append(slices.Clone(pictures), "l.csv=d/1.jpg,label\nd/2.jpg,class\nd/3.jpg,id\n"), open: "l.csv", want: "train class 1 id 1 label 1"},
		{name: "names without extension", files: []string{"a1", "a2", "l.csv=img,7\na1,cat\na2,dog\n"}, open: "l.csv", want: "train cat 1 dog 1"},
		{name: "files named like columns", files: []string{"image", "path", "l.csv=image,cat\npath,dog\n"}, open: "l.csv", want: "train cat 1 dog 1"},
		{name: "the label first", files: append(slices.Clone(pictures), "l.csv=cat,d/1.jpg\ndog,d/2.jpg\n"), open: "l.csv", want: "train cat 1 dog 1"},
		{name: "known names in any order", files: append(slices.Clone(pictures), "l.csv=label,width,image\ncat,3,d/1.jpg\ndog,4,d/2.jpg\n"), open: "l.csv", want: "train cat 1 dog 1"},
		{name: "a number beside the picture", files: append(slices.Clone(pictures), "l.csv=id,label,filename\n1,cat,d/1.jpg\n2,dog,d/2.jpg\n"), open: "l.csv", want: "train cat 1 dog 1"},
		{name: "semicolons", files: append(slices.Clone(pictures), "l.csv=image;label\nd/1.jpg;cat\nd/2.jpg;dog\n"), open: "l.csv", want: "train cat 1 dog 1"},
		{name: "tabs", files: append(slices.Clone(pictures), "l.tsv=image\tlabel\nd/1.jpg\ta, b\nd/2.jpg\tdog\n"), open: "l.tsv", want: "train a, b 1 dog 1"},
		{name: "spaces around", files: append(slices.Clone(pictures), "l.csv=image,label\nd/1.jpg, cat\nd/2.jpg,cat \n"), open: "l.csv", want: "train cat 2"},
		{name: "parts", files: append(slices.Clone(pictures), "l.csv=image,label,split\nd/1.jpg,cat,training\nd/2.jpg,cat,dev\nd/3.jpg,cat,eval\n"), open: "l.csv", want: "train cat 1; val cat 1; test cat 1"},
		{name: "FER's parts", files: append(slices.Clone(pictures), "l.csv=image,emotion,Usage,label\nd/1.jpg,x,Training,cat\nd/2.jpg,x,PublicTest,cat\nd/3.jpg,x,PrivateTest,cat\n"), open: "l.csv", want: "train cat 1; test cat 2"},
		{name: "no label", files: append(slices.Clone(pictures), "l.csv=image,label\nd/1.jpg,cat\nd/2.jpg,\n"), open: "l.csv", says: []string{"row 3", "d/2.jpg", "no label"}},
		{name: "no picture", files: append(slices.Clone(pictures), "l.csv=image,label\n,cat\n"), open: "l.csv", says: []string{"row 2"}},
		{name: "a column of part words", files: append(slices.Clone(pictures), "l.csv=class id,filepaths,labels,data set\n0,d/1.jpg,cat,train\n0,d/2.jpg,cat,valid\n0,d/3.jpg,cat,test\n"), open: "l.csv", want: "train cat 1; val cat 1; test cat 1", says: []string{"the column data set says the part"}},
		{name: "two columns of part words", files: append(slices.Clone(pictures), "l.csv=image,label,set,phase\nd/1.jpg,cat,train,train\nd/2.jpg,cat,test,train\n"), open: "l.csv", says: []string{"set, phase"}},
		{name: "a column of other words", files: append(slices.Clone(pictures), "l.csv=image,label,place\nd/1.jpg,cat,train station\nd/2.jpg,cat,test site\n"), open: "l.csv", want: "train cat 2"},
		{name: "is_valid", files: append(slices.Clone(pictures), "l.csv=name,label,is_valid\nd/1.jpg,cat,False\nd/2.jpg,cat,True\nd/3.jpg,cat,False\n"), open: "l.csv", want: "train cat 2; val cat 1", says: []string{"is_valid"}},
		{name: "is_training_image", files: append(slices.Clone(pictures), "l.csv=name,label,is_training_image\nd/1.jpg,cat,1\nd/2.jpg,cat,0\n"), open: "l.csv", want: "train cat 1; test cat 1"},
		{name: "numbers with a point", files: append(slices.Clone(pictures), "l.csv=image,label\nd/1.jpg,10.0\nd/2.jpg,2.0\nd/3.jpg,2.0\n"), open: "l.csv", want: "train 2 2 10 1"},
		{name: "versions are no numbers", files: append(slices.Clone(pictures), "l.csv=image,label\nd/1.jpg,1.0\nd/2.jpg,1.5\n"), open: "l.csv", want: "train 1.0 1 1.5 1"},
		{name: "a part of -1", files: append(slices.Clone(pictures), "l.csv=image,label,split\nd/1.jpg,0,train\nd/2.jpg,1,train\nd/3.jpg,-1,test\n"), open: "l.csv", want: "train 0 1 1 1", says: []string{"picture of the part test, which has no labels"}},
		{name: "one of -1", files: append(slices.Clone(pictures), "l.csv=image,label\nd/1.jpg,0\nd/2.jpg,-1\n"), open: "l.csv", says: []string{"d/2.jpg has no label"}},
		{name: "a class -1", files: append(slices.Clone(pictures), "l.csv=image,label\nd/1.jpg,+1\nd/2.jpg,-1\n"), open: "l.csv", want: "train +1 1 -1 1"},
		{name: "names without their extension", files: append(slices.Clone(pictures), "l.csv=id,breed\nd/1,cat\nd/2,dog\n"), open: "l.csv", want: "train cat 1 dog 1", says: []string{"d/1 is read as d/1.jpg"}},
		{name: "backslashes", files: append(slices.Clone(pictures), "l.csv=image,label\n.\\d\\1.jpg,cat\n.\\d\\2.jpg,dog\n"), open: "l.csv", want: "train cat 1 dog 1"},
		{name: "bars", files: append(slices.Clone(pictures), "l.csv=image|label\nd/1.jpg|cat\n"), open: "l.csv", want: "train cat 1"},
		{name: "UTF-16", files: append(slices.Clone(pictures), "l.csv=\xff\xfei\x00"), open: "l.csv", says: []string{"UTF-16"}},
		{name: "JSON lines", files: append(slices.Clone(pictures), "d/metadata.jsonl="+`{"file_name": "1.jpg", "label": 10, "text": "a"}`+"\n"+`{"label": 2, "file_name": "2.jpg"}`+"\n\n"), open: "d/metadata.jsonl", want: "train 2 1 10 1"},
		{name: "JSON lines with parts", files: append(slices.Clone(pictures), `l.jsonl={"image": "d/1.jpg", "class": "cat", "split": "train"}{"image": "d/2.jpg", "class": "cat", "split": "dev"}`), open: "l.jsonl", want: "train cat 1; val cat 1"},
		{name: "JSON lines without a label", files: append(slices.Clone(pictures), `l.jsonl={"image": "d/1.jpg", "label": "a"}{"image": "d/2.jpg", "label": null}`), open: "l.jsonl", says: []string{"d/2.jpg, has no label"}},
		{name: "JSON lines cut short", files: append(slices.Clone(pictures), `l.jsonl={"image": "d/1.jpg", "label": "a"}{"image":`), open: "l.jsonl", says: []string{"object 2"}},
		{name: "no JSON lines", files: append(slices.Clone(pictures), "l.jsonl=[1, 2]"), open: "l.jsonl", says: []string{"object 1"}},
		{name: "empty JSON lines", files: append(slices.Clone(pictures), "l.jsonl=\n"), open: "l.jsonl", says: []string{"no pictures"}},
		{name: "objects in pictures", files: append(slices.Clone(pictures), "l.csv=filename,width,class,xmin\nd/1.jpg,9,cat,1\nd/1.jpg,9,dog,5\nd/2.jpg,9,cat,1\n"), open: "l.csv", says: []string{`d/1.jpg is listed as "cat" and as "dog"`}},
		{name: "a picture listed twice", files: append(slices.Clone(pictures), "l.csv=image,label\nd/1.jpg,cat\nd/1.jpg,cat\n"), open: "l.csv", want: "train cat 2"},
		{name: "three unknown columns", files: []string{"l.csv=a,b,c\n1,2,3\n"}, open: "l.csv", says: []string{"3 columns, a, b, c"}},
	}...))
}

// idx is an IDX file of n pictures of one pixel each, or of as many labels.
func idx(n, dims int) string {
	b := []byte{0, 0, 8, byte(dims)}
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	for range dims - 1 {
		b = binary.BigEndian.AppendUint32(b, 1)
	}
	for i := range n {
		b = append(b, byte(i%2))
	}
	return string(b)
}

// idxFiles are the files of a set, with a placeholder for images and labels.
func idxFiles(name string, n int) []string {
	return []string{name + "-images-idx3-ubyte=" + idx(n, 3), name + "-labels-idx1-ubyte=" + idx(n, 1)}
}

// TestIDXSets has folders of several sets of IDX files.
func TestIDXSets(t *testing.T) {
	mnist := slices.Concat(idxFiles("train", 8), idxFiles("t10k", 4))
	below := func(dir string) []string {
		var files []string
		for _, f := range mnist {
			files = append(files, dir+f)
		}
		return files
	}
	const want = "train 0 4 1 4; test 0 2 1 2"
	checkOpened(t, []opened{
		{name: "train, valid, t10k", files: slices.Concat(mnist, idxFiles("valid", 2)), want: "train 0 4 1 4; val 0 1 1 1; test 0 2 1 2"},
		{name: "a word within a word", files: slices.Concat(idxFiles("latest-train", 8), idxFiles("latest-test", 4)), want: want},
		{name: "MNIST/raw", files: below("MNIST/raw/"), want: want},
		{name: "unpacked beside packed", files: append(slices.Clone(mnist), "train-images-idx3-ubyte.gz=x", "t10k-images-idx3-ubyte.gz=x"), want: want},
		{name: "EMNIST", files: slices.Concat(idxFiles("emnist-letters-train", 8), idxFiles("emnist-letters-test", 4), idxFiles("emnist-mnist-train", 2)), says: []string{"emnist-letters-train-images-idx3-ubyte", "emnist-mnist-train-images-idx3-ubyte"}},
		{name: "one of EMNIST's", files: slices.Concat(idxFiles("emnist-letters-train", 8), idxFiles("emnist-letters-test", 4), idxFiles("emnist-mnist-train", 2)), open: "emnist-letters-train-images-idx3-ubyte", want: want},
		{name: "two folders", files: slices.Concat(below("MNIST/raw/"), below("FashionMNIST/raw/")), says: []string{"FashionMNIST/raw/train-images", "MNIST/raw/train-images"}},
		{name: "two files for a part", files: append(slices.Clone(mnist), "train-images.idx3-ubyte="+idx(8, 3), "train-labels.idx1-ubyte="+idx(8, 1)), says: []string{"train-images-idx3-ubyte and train-images.idx3-ubyte"}},
		{name: "beside class folders", files: slices.Concat(mnist, many(2, "0/*.png", "1/*.png")), says: []string{"IDX files", "4 pictures in folders"}},
		{name: "beside folders of parts", files: slices.Concat(mnist, many(2, "train/0/*.png", "train/1/*.png", "test/0/*.png")), want: "train 0 2 1 2; test 0 2", says: []string{"train-images-idx3-ubyte"}},
		{name: "no labels", files: mnist[:1], says: []string{"has no file of labels"}},
	})
}

// TestCIFARBelow has CIFAR's folders as they come out of its archives.
func TestCIFARBelow(t *testing.T) {
	records := func(n, labels int) string { return string(cifarRecords(n, labels, 2)) }
	binary := []string{"cifar-10-batches-bin/data_batch_1.bin=" + records(4, 1), "cifar-10-batches-bin/test_batch.bin=" + records(2, 1)}
	hundred := []string{"cifar-100-binary/train.bin=" + records(4, 2), "cifar-100-binary/test.bin=" + records(2, 2)}
	checkOpened(t, []opened{
		{name: "CIFAR-10", files: append(slices.Clone(binary), "cifar-10-binary.tar.gz"), want: "train 0 2 1 2; test 0 1 1 1", says: []string{"cifar-10-binary.tar.gz"}},
		{name: "CIFAR-100", files: hundred, want: "train 0 2 1 2; test 0 1 1 1"},
		{name: "both", files: slices.Concat(binary, hundred), says: []string{"cifar-10-batches-bin", "cifar-100-binary"}},
		{name: "Python's", files: []string{"cifar-10-batches-py/data_batch_1", "cifar-10-batches-py/batches.meta", "cifar-10-batches-py/test_batch"}, says: []string{"cifar-10-batches-py", "binary version"}},
	})
}
