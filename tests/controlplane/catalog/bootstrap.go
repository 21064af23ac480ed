package main

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// bootstrapList is a list of objects that a server makes for itself, and how these are told from
// what others have added.
type bootstrapList struct {
	path, selector string
	own            func(map[string]any) bool
}

const bootstrapping = "kubernetes.io/bootstrapping=rbac-defaults"

var bootstrapLists = []bootstrapList{
	{path: "/api/v1/namespaces", own: named("default", "kube-node-lease", "kube-public", "kube-system")},
	{path: "/api/v1/services", own: named("kubernetes")},
	{path: "/api/v1/configmaps", own: named("kube-apiserver-legacy-service-account-token-tracking")},
	{path: "/apis/apiregistration.k8s.io/v1/apiservices", selector: "kube-aggregator.kubernetes.io/automanaged=onstart"},
	{path: "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", own: annotated("apf.kubernetes.io/autoupdate-spec")},
	{path: "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", own: annotated("apf.kubernetes.io/autoupdate-spec")},
	{path: "/apis/networking.k8s.io/v1/ipaddresses", own: parented("kubernetes")},
	{path: "/apis/networking.k8s.io/v1/servicecidrs", own: named("kubernetes")},
	{path: "/apis/rbac.authorization.k8s.io/v1/clusterroles", selector: bootstrapping},
	{path: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", selector: bootstrapping},
	{path: "/apis/rbac.authorization.k8s.io/v1/roles", selector: bootstrapping},
	{path: "/apis/rbac.authorization.k8s.io/v1/rolebindings", selector: bootstrapping},
	{path: "/apis/scheduling.k8s.io/v1/priorityclasses", own: named("system-cluster-critical", "system-node-critical")},
}

// bootstrap gives the objects of a fresh server, without what is new in each.
func (s *server) bootstrap() ([]any, error) {
	objects := []any{}
	for _, wanted := range bootstrapLists {
		list := struct {
			APIVersion, Kind string
			Items            []map[string]any
		}{}
		if err := s.get(wanted.path+"?labelSelector="+url.QueryEscape(wanted.selector), "", &list); err != nil {
			return nil, err
		}
		items := []map[string]any{}
		for _, item := range list.Items {
			if wanted.own == nil || wanted.own(item) {
				item["apiVersion"], item["kind"] = list.APIVersion, strings.TrimSuffix(list.Kind, "List")
				items = append(items, item)
			}
		}
		if len(items) == 0 {
			return nil, fmt.Errorf("%s has none of the server's own", wanted.path)
		}
		if err := aggregate(items); err != nil {
			return nil, err
		}
		for _, item := range items {
			forget(item)
			objects = append(objects, item)
		}
	}
	return objects, nil
}

// forget removes what differs from one start of a server to the next. The port of the server itself
// is one of these: 0 stands for it.
func forget(object map[string]any) {
	meta := metadata(object)
	for _, field := range []string{"uid", "creationTimestamp", "resourceVersion", "managedFields"} {
		delete(meta, field)
	}
	status, _ := object["status"].(map[string]any)
	for _, condition := range anySlice(status["conditions"]) {
		delete(condition.(map[string]any), "lastTransitionTime")
	}
	if object["kind"] == "Service" {
		for _, port := range anySlice(object["spec"].(map[string]any)["ports"]) {
			port.(map[string]any)["targetPort"] = 0
		}
	}
	if object["kind"] == "ConfigMap" {
		// The day since which tokens are tracked: that of the start.
		delete(object, "data")
	}
}

// aggregate sets the rules of aggregated roles as the controller does, from the server's own roles
// alone: what others have added has no place here.
func aggregate(roles []map[string]any) error {
	for _, role := range roles {
		aggregation, is := role["aggregationRule"].(map[string]any)
		if !is {
			continue
		}
		rules := []any{}
		for _, one := range anySlice(aggregation["clusterRoleSelectors"]) {
			match, _ := one.(map[string]any)["matchLabels"].(map[string]any)
			wanted := labels.Set{}
			for key, value := range match {
				wanted[key] = value.(string)
			}
			selector, err := metav1.LabelSelectorAsSelector(&metav1.LabelSelector{MatchLabels: wanted})
			if err != nil {
				return err
			}
			for _, other := range roles {
				if metadata(other)["name"] != metadata(role)["name"] && selector.Matches(labelsOf(other)) {
					rules = appendNew(rules, anySlice(other["rules"]))
				}
			}
		}
		role["rules"] = rules
	}
	return nil
}

func appendNew(rules, more []any) []any {
next:
	for _, rule := range more {
		for _, known := range rules {
			if reflect.DeepEqual(known, rule) {
				continue next
			}
		}
		rules = append(rules, rule)
	}
	return rules
}

func metadata(object map[string]any) map[string]any {
	meta, _ := object["metadata"].(map[string]any)
	return meta
}

func labelsOf(object map[string]any) labels.Set {
	set := labels.Set{}
	found, _ := metadata(object)["labels"].(map[string]any)
	for key, value := range found {
		set[key], _ = value.(string)
	}
	return set
}

func named(names ...string) func(map[string]any) bool {
	return func(object map[string]any) bool {
		for _, name := range names {
			namespace := metadata(object)["namespace"]
			if metadata(object)["name"] == name && (namespace == nil || namespace == "default" || namespace == "kube-system") {
				return true
			}
		}
		return false
	}
}

func annotated(key string) func(map[string]any) bool {
	return func(object map[string]any) bool {
		annotations, _ := metadata(object)["annotations"].(map[string]any)
		_, has := annotations[key]
		return has
	}
}

func parented(service string) func(map[string]any) bool {
	return func(object map[string]any) bool {
		spec, _ := object["spec"].(map[string]any)
		parent, _ := spec["parentRef"].(map[string]any)
		return parent["name"] == service && parent["namespace"] == "default"
	}
}
