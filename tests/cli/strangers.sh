#!/usr/bin/env bash
# What a contract takes from the folders above, and where it writes: nothing that a stranger may have
# put there, and nothing above its folder outside its repository.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
rung=ACTIVE_ALGORITHM_LEVEL
plain=router.topk_rule
# A folder like /tmp, that anybody may write, with a model and with evidence that somebody put there.
shared=$work/shared
mkdir -p "$shared/reports" "$shared/mine" "$shared/mine/contracts"
cp -r models "$shared/"
chmod 1777 "$shared"
chmod 700 "$shared/mine"
rm -rf "$work/.git"
repository "$work/repo"
mkdir "$work/repo/contracts"
made() { find "$1" -type f -name evidence.json | sed "s|^$1/||; s|/[^/]*/evidence.json$||" | sort -u; }
# The evidence is real; it lies where anybody may lay it.
contract gpu ACTIVE_RUNTIME "F_PASS $plain $rung" "F_NOTRUN names.resolve ACTIVE_RUNTIME"
sed 's/F_NOTRUN/F_GPU/' contracts/gpu.yaml >repo/contracts/gpu.yaml
cp -r models repo/
PV_FAKE_DEVICE='NVIDIA H100' validate repo/contracts/gpu.yaml --publish
exits 0
cp -r repo/reports/published "$shared/reports/"
cp repo/contracts/gpu.yaml "$shared/mine/gpu.yaml"

# an empty folder of one's own below it
cd "$shared/mine" || exit 1
find "$shared" -path "$shared/mine" -prune -o -print | sort >"$work/listing"
validate gpu.yaml --only F_PASS
exits 3
says "root: $shared/mine (.: the contract's folder; .. may be written by anybody)"
says 'receipts: nowhere: .. may be written by anybody'
silent 'NVIDIA H100'
silent 'model: '
warns 'no model was found'
says 'report: reports/runs/gpu/'
same "$(made "$shared/mine")" reports/runs/gpu 'where the report lies'
same "$(grep -c '"root": ".: the contract.s folder' reports/runs/gpu/latest/evidence.json)" 1 'the root in the evidence'
same "$(grep -c '"model_from": "none"' reports/runs/gpu/latest/evidence.json)" 1 'the model in the evidence'
same "$(grep -c '"receipts_from": "nowhere' reports/runs/gpu/latest/evidence.json)" 1 'the receipts in the evidence'
run "$pv" status --probe "$fake" gpu.yaml
exits 3
silent 'receipt 2'
run "$pv" evidence verify --probe "$fake" "$shared"/reports/published/gpu/*
exits 0
says 'its contract contracts/gpu.yaml is not here: not compared'
# a folder below that: what is one's own is read, and nothing is written above the contract
mkdir models && cp "$work"/models/* models/
cp gpu.yaml contracts/
rm -r reports
validate contracts/gpu.yaml
exits 0
says "model: $shared/mine/models/"
says "root: $shared/mine (..: the nearest folder with models; ../.. may be written by anybody)"
says 'receipts: ../reports/published: in no repository'
same "$(made "$shared/mine")" contracts/reports/runs/gpu 'where the report lies'
# the current folder has no say
cd "$work/repo" || exit 1
validate "$shared/mine/contracts/gpu.yaml"
says "model: $shared/mine/models/"
same "$(made "$shared/mine")" contracts/reports/runs/gpu 'where the report lies'
cd "$work" || exit 1
# in the folder itself nobody is trusted, not even with a report
cp repo/contracts/gpu.yaml "$shared/gpu.yaml"
validate "$shared/gpu.yaml"
exits 2
warns "no report is written beside '$shared/gpu.yaml': .: the contract's folder; . may be written by anybody"
warns '--out DIR'
validate "$shared/gpu.yaml" --out "$work/elsewhere"
silent 'NVIDIA H100'
same "$(made "$work/elsewhere")" gpu 'where the report lies'
rm "$shared/gpu.yaml"
same "$(find "$shared" -path "$shared/mine" -prune -o -print | sort | diff "$work/listing" - | wc -l)" 0 'files made in the shared folder'

# a repository ends it, whatever lies above; within one all is as it was
cd "$work" || exit 1
mv repo/models models.of.repo
validate repo/contracts/gpu.yaml --only F_PASS
says "root: $work/repo (..: the repository, which has no models; ../.. is outside the repository)"
silent "$work/models"
mv models.of.repo repo/models
validate repo/contracts/gpu.yaml --only F_PASS
exits 0
says "root: $work/repo (..: the nearest folder with models; ../.. is outside the repository)"
says 'receipts: ../reports/published: in the same repository'
says 'NVIDIA H100'
same "$(made "$work/repo")" "reports/published/gpu
reports/runs/gpu" 'where the reports lie'
same "$(find "$work" -maxdepth 1 -name reports | wc -l)" 0 'reports above the repository'
finish
