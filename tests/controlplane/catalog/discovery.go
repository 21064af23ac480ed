package main

import (
	"slices"
	"sort"
	"strings"

	apidiscovery "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

// served is what a fresh server serves: custom resources left out.
type served struct {
	release  string
	version  map[string]any
	paths    []string
	core     []group
	groups   []group
	versions []schema.GroupVersion
}

// group is an APIGroupDiscovery, shorter: of what is empty in every group, nothing is kept.
type group struct {
	Name     string    `json:"name"`
	Versions []version `json:"versions"`
}

type version struct {
	Version   string                              `json:"version"`
	Resources []apidiscovery.APIResourceDiscovery `json:"resources"`
}

// discover asks for aggregated discovery and leaves out what somebody has added to the server.
func (s *server) discover() (*served, error) {
	found := &served{}
	if err := s.get("/version", "", &found.version); err != nil {
		return nil, err
	}
	gitVersion, _ := found.version["gitVersion"].(string)
	found.release = strings.TrimPrefix(gitVersion, "v")
	// What the server was built with and for is no fact of Kubernetes.
	delete(found.version, "goVersion")
	delete(found.version, "platform")
	own, err := s.ownGroupVersions()
	if err != nil {
		return nil, err
	}
	for path, groups := range map[string]*[]group{"/api": &found.core, "/apis": &found.groups} {
		list := apidiscovery.APIGroupDiscoveryList{}
		if err := s.get(path, aggregated, &list); err != nil {
			return nil, err
		}
		for _, item := range list.Items {
			kept := group{Name: item.Name}
			for _, v := range item.Versions {
				if own[schema.GroupVersion{Group: item.Name, Version: v.Version}] {
					kept.Versions = append(kept.Versions, version{v.Version, v.Resources})
				}
			}
			if len(kept.Versions) > 0 {
				*groups = append(*groups, kept)
			}
		}
	}
	for _, groups := range [][]group{found.core, found.groups} {
		for _, g := range groups {
			for _, v := range g.Versions {
				found.versions = append(found.versions, schema.GroupVersion{Group: g.Name, Version: v.Version})
			}
		}
	}
	return found, s.rootPaths(found, own)
}

// ownGroupVersions are those that the server registers for itself when it starts.
func (s *server) ownGroupVersions() (map[schema.GroupVersion]bool, error) {
	services := struct {
		Items []struct {
			Metadata metav1.ObjectMeta
			Spec     struct{ Group, Version string }
		}
	}{}
	path := "/apis/apiregistration.k8s.io/v1/apiservices?labelSelector=kube-aggregator.kubernetes.io/automanaged%3Donstart"
	if err := s.get(path, "", &services); err != nil {
		return nil, err
	}
	// The aggregator serves itself and has no APIService.
	own := map[schema.GroupVersion]bool{{Group: "apiregistration.k8s.io", Version: "v1"}: true}
	for _, service := range services.Items {
		own[schema.GroupVersion{Group: service.Spec.Group, Version: service.Spec.Version}] = true
	}
	return own, nil
}

// rootPaths reads what "/" lists.
func (s *server) rootPaths(found *served, own map[schema.GroupVersion]bool) error {
	all := metav1.RootPaths{}
	if err := s.get("/", "", &all); err != nil {
		return err
	}
	groups := map[string]bool{}
	for gv := range own {
		groups[gv.Group] = true
	}
	for _, path := range all.Paths {
		parts := strings.Split(strings.TrimPrefix(path, "/apis/"), "/")
		if strings.HasPrefix(path, "/apis/") && parts[0] != "" && !groups[parts[0]] {
			continue
		}
		found.paths = append(found.paths, path)
	}
	sort.Strings(found.paths)
	return nil
}

// storageHashes are in legacy discovery alone; the keys are like "apps/v1/deployments".
func (s *server) storageHashes(found *served) (map[string]string, error) {
	hashes := map[string]string{}
	for _, gv := range found.versions {
		list := metav1.APIResourceList{}
		if err := s.get(pathOf(gv), "", &list); err != nil {
			return nil, err
		}
		for _, resource := range list.APIResources {
			if resource.StorageVersionHash != "" {
				hashes[gv.String()+"/"+resource.Name] = resource.StorageVersionHash
			}
		}
	}
	return hashes, nil
}

// pathOf gives "/apis/apps/v1", and "/api/v1" for the core group.
func pathOf(gv schema.GroupVersion) string {
	if gv.Group == "" {
		return "/api/" + gv.Version
	}
	return "/apis/" + gv.String()
}

// kinds of resources, by keys like "apps/v1/deployments".
func (f *served) kinds() map[string]string {
	kinds := map[string]string{}
	f.each(func(gv schema.GroupVersion, resource apidiscovery.APIResourceDiscovery) {
		kinds[gv.String()+"/"+resource.Resource] = resource.ResponseKind.Kind
	})
	return kinds
}

// listable is a resource that can be listed, and where.
type listable struct{ key, path string }

func (f *served) listed() []listable {
	all := []listable{}
	f.each(func(gv schema.GroupVersion, resource apidiscovery.APIResourceDiscovery) {
		if slices.Contains(resource.Verbs, "list") {
			all = append(all, listable{gv.String() + "/" + resource.Resource, pathOf(gv) + "/" + resource.Resource})
		}
	})
	return all
}

func (f *served) each(visit func(schema.GroupVersion, apidiscovery.APIResourceDiscovery)) {
	for _, groups := range [][]group{f.core, f.groups} {
		for _, g := range groups {
			for _, v := range g.Versions {
				for _, resource := range v.Resources {
					visit(schema.GroupVersion{Group: g.Name, Version: v.Version}, resource)
				}
			}
		}
	}
}
