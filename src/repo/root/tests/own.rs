//! The daemon's own files within the repository.

use super::*;

fn with_own_files() -> Place {
    let place = Place::with(|repo| OwnFiles {
        hidden: vec![
            repo.join("state.db"),
            repo.join("runs"),
            repo.join("deep/er/config.toml"),
            PathBuf::from("/etc/lukhas-mcp.toml"),
        ],
        guarded: vec![repo.join("evals")],
    });
    for name in [
        "state.db",
        "state.db-wal",
        "state.db-shm",
        "state.db-journal",
        "runs/job_1/log",
        "deep/er/config.toml",
    ] {
        place.put(name, b"own");
    }
    place.put("evals/tasks/a.json", b"{}");
    place
}

#[test]
fn hidden_files_are_as_if_they_did_not_exist() {
    let place = with_own_files();
    let elsewhere = place.write("other", b"x", Over::Nothing).unwrap();
    let hidden = [
        "state.db",
        "STATE.db",
        "state.db-wal",
        "state.db-shm",
        "state.db-journal",
        "runs",
        "runs/job_1/log",
        "runs/none",
        "RUNS/job_1/log",
        "deep/er/config.toml",
    ];
    for name in hidden {
        says(place.read(name), &format!("{name} does not exist"));
        says(place.root.look(&path(name)), &format!("{name} does not exist"));
        let own = format!("{name} belongs to the daemon and cannot be changed");
        says(place.write(name, b"x", Over::Nothing), &own);
        says(place.write(name, b"x", Over::Exactly(&elsewhere)), &own);
        says(place.root.remove(&path(name), &elsewhere), &own);
        says(place.root.rename(&path(name), &path("x"), &elsewhere, Over::Nothing), &own);
        let onto = place.root.rename(&path("other"), &path(name), &elsewhere, Over::Nothing);
        says(onto, &own);
    }
    assert_eq!(
        place.walked(),
        ["deep", "deep/er", "evals", "evals/tasks", "evals/tasks/a.json", "other"]
    );
    let under = place.root.walk(Some(&path("runs")), &WalkLimits::default(), &mut |_| {
        panic!("something was visited")
    });
    says(under, "runs does not exist");
    place.write("state.dbx", b"", Over::Nothing).unwrap();
    place.write("deep/er/config.md", b"", Over::Nothing).unwrap();
}

#[test]
fn guarded_files_are_read_and_not_changed() {
    let place = with_own_files();
    let seen = place.look("evals/tasks/a.json");
    assert_eq!(place.read("evals/tasks/a.json").unwrap(), b"{}");
    for name in ["evals/tasks/a.json", "evals/new", "Evals/new", "evals"] {
        let guarded =
            format!("{name} can be read but not changed: the daemon runs what stands there");
        says(place.write(name, b"x", Over::Nothing), &guarded);
        says(place.write(name, b"x", Over::Exactly(&seen)), &guarded);
        says(place.root.remove(&path(name), &seen), &guarded);
        says(place.root.rename(&path(name), &path("x"), &seen, Over::Nothing), &guarded);
    }
    place.write("evaluation", b"", Over::Nothing).unwrap();
}

#[test]
fn nothing_is_put_in_the_way_of_own_files() {
    let place = Place::with(|repo| OwnFiles {
        hidden: vec![repo.join("var/state/state.db")],
        guarded: vec![repo.join("ops/evals")],
    });
    for name in ["var", "var/state", "Var/State", "ops"] {
        let own = format!("{name} belongs to the daemon and cannot be changed");
        says(place.write(name, b"x", Over::Nothing), &own);
    }
    for name in ["va", "var/other", "var/state/other", "ops/x"] {
        place.write(name, b"x", Over::Nothing).unwrap();
    }
}

/// The paths of own files may lead through links; what they are hidden by is where they end up.
#[test]
fn own_files_are_found_through_links() {
    let place = Place::new();
    place.put("var/state.db", b"own");
    std::os::unix::fs::symlink(place.at("var"), place.at("../outside-link")).unwrap();
    let own = OwnFiles {
        hidden: vec![place.at("../outside-link/state.db"), place.at("../outside-link/to-come/x")],
        guarded: Vec::new(),
    };
    let root = Root::open(&place.at(""), &own).unwrap();
    says(root.look(&path("var/state.db")), "var/state.db does not exist");
    let come = root.write(&path("var/to-come/x"), b"", &TemporaryName::random(), Over::Nothing);
    says(come, "var/to-come/x belongs to the daemon and cannot be changed");
}
