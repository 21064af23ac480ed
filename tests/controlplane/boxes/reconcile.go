package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	finalizer = "clients.example.com/empty"
	byColor   = "spec.color"
)

type reconciler struct {
	client.Client
	events events.EventRecorder
}

func setUp(ctx context.Context, manager ctrl.Manager) error {
	color := func(object client.Object) []string { return []string{object.(*Box).Spec.Color} }
	if err := manager.GetFieldIndexer().IndexField(ctx, &Box{}, byColor, color); err != nil {
		return err
	}
	r := &reconciler{Client: manager.GetClient(), events: manager.GetEventRecorder("boxes")}
	return ctrl.NewControllerManagedBy(manager).
		Named("boxes").
		For(&Box{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Owns(&corev1.ConfigMap{}).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.all)).
		Complete(r)
}

// all Boxes of the namespace are due.
func (r *reconciler) all(ctx context.Context, of client.Object) []reconcile.Request {
	var boxes BoxList
	if err := r.List(ctx, &boxes, client.InNamespace(of.GetNamespace())); err != nil {
		return nil
	}
	var due []reconcile.Request
	for i := range boxes.Items {
		due = append(due, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&boxes.Items[i])})
	}
	return due
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var box Box
	if err := r.Get(ctx, request.NamespacedName, &box); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !box.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, r.empty(ctx, &box)
	}
	if controllerutil.AddFinalizer(&box, finalizer) {
		if err := r.Update(ctx, &box); err != nil {
			return ctrl.Result{}, err
		}
	}
	if err := r.fill(ctx, &box); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, r.tell(ctx, &box)
}

// fill makes what belongs into a Box: one object by create and update, one by apply.
func (r *reconciler) fill(ctx context.Context, box *Box) error {
	made := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: box.Name, Namespace: box.Namespace}}
	result, err := controllerutil.CreateOrUpdate(ctx, r.Client, made, func() error {
		made.Data = map[string]string{"color": box.Spec.Color}
		return controllerutil.SetControllerReference(box, made, r.Scheme())
	})
	if err != nil {
		return err
	}
	if result != controllerutil.OperationResultNone {
		r.events.Eventf(box, made, corev1.EventTypeNormal, "Filled", "Fill", "the ConfigMap is %s", result)
	}
	owner := metav1ac.OwnerReference().
		WithAPIVersion(groupVersion.String()).WithKind("Box").
		WithName(box.Name).WithUID(box.UID).WithController(true)
	applied := corev1ac.ConfigMap(box.Name+"-applied", box.Namespace).
		WithOwnerReferences(owner).
		WithData(map[string]string{"color": box.Spec.Color})
	return r.Apply(ctx, applied, client.FieldOwner("boxes"), client.ForceOwnership)
}

// tell writes the status.
func (r *reconciler) tell(ctx context.Context, box *Box) error {
	var secrets metav1.PartialObjectMetadataList
	secrets.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
	if err := r.List(ctx, &secrets, client.InNamespace(box.Namespace)); err != nil {
		return err
	}
	var alike BoxList
	if err := r.List(ctx, &alike, client.MatchingFields{byColor: box.Spec.Color}); err != nil {
		return err
	}
	before := box.deepCopy()
	box.Status.ObservedGeneration = box.Generation
	box.Status.Secrets = len(secrets.Items)
	box.Status.Alike = len(alike.Items)
	meta.SetStatusCondition(&box.Status.Conditions, metav1.Condition{
		Type: "Full", Status: metav1.ConditionTrue, Reason: "Filled", ObservedGeneration: box.Generation,
	})
	return r.Status().Patch(ctx, box, client.MergeFrom(before))
}

// empty lets a Box go.
func (r *reconciler) empty(ctx context.Context, box *Box) error {
	if !controllerutil.RemoveFinalizer(box, finalizer) {
		return nil
	}
	r.events.Eventf(box, nil, corev1.EventTypeNormal, "Emptied", "Empty", "nothing is left in it")
	return r.Update(ctx, box)
}
