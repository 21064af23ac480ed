package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var groupVersion = schema.GroupVersion{Group: "clients.example.com", Version: "v1"}

// Box asks for a ConfigMap of its name.
type Box struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   BoxSpec   `json:"spec,omitempty"`
	Status BoxStatus `json:"status,omitempty"`
}

// BoxSpec is what is wished.
type BoxSpec struct {
	Color string `json:"color,omitempty"`
}

// BoxStatus is what was seen.
type BoxStatus struct {
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Of the namespace, by a watch of their metadata
	Secrets int `json:"secrets"`
	// How many Boxes of that color there are, by an index of the cache
	Alike      int                `json:"alike"`
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// BoxList is a list of Boxes.
type BoxList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Box `json:"items"`
}

func (b *Box) deepCopy() *Box {
	copied := *b
	b.ObjectMeta.DeepCopyInto(&copied.ObjectMeta)
	copied.Status.Conditions = nil
	for _, condition := range b.Status.Conditions {
		copied.Status.Conditions = append(copied.Status.Conditions, *condition.DeepCopy())
	}
	return &copied
}

// DeepCopyObject is what runtime.Object asks for.
func (b *Box) DeepCopyObject() runtime.Object { return b.deepCopy() }

// DeepCopyObject is what runtime.Object asks for.
func (l *BoxList) DeepCopyObject() runtime.Object {
	copied := &BoxList{TypeMeta: l.TypeMeta}
	l.ListMeta.DeepCopyInto(&copied.ListMeta)
	for i := range l.Items {
		copied.Items = append(copied.Items, *l.Items[i].deepCopy())
	}
	return copied
}

func addToScheme(scheme *runtime.Scheme) {
	scheme.AddKnownTypes(groupVersion, &Box{}, &BoxList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
}
