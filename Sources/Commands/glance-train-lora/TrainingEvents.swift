internal import ExpertTraining
internal import Files
internal import JSON
internal import Reports
internal import SystemPackage

/// The log as TensorBoard reads it: a folder `NAME.events` with a run a phase.
struct TrainingEvents {
  private let folder: FilePath

  init(_ output: ExpertOutput) { folder = output.companion(TrainingLog.eventsSuffix) }

  /// Writes what the files lack.
  func save(_ log: TrainingLog) throws {
    for phase in log.phases {
      let run = folder.appending(phase)
      try makeFolder(run)
      try writeGrowing(file(log, phase).bytes, to: run.appending(EventFile.name))
    }
  }

  private func file(_ log: TrainingLog, _ phase: String) -> EventFile {
    let rows = log.rows(of: phase)
    var file = EventFile(time: rows.first?["time"]?.double ?? 0)
    for items in rows.chunks(by: "step") {
      let (row, step) = (items[0], items[0]["step"]?.integer ?? 0)
      let time = row["time"]?.double ?? 0
      file.add(step: Int(step), time: time, scalars(items))
      let norms = log.adapterNorms(of: phase, after: Int(step))
      if !norms.isEmpty {
        file.add(
          step: Int(step), time: time, norms.map { ("adapter_norm/\($0.block)", $0.norm) })
      }
      let losses = log.losses(of: phase, after: Int(step))
      guard !losses.isEmpty else { continue }
      file.add(
        step: Int(step), time: time,
        losses.flatMap { loss in
          let timestep = Readable.fixed(Double(loss.sigma) * 1000, places: 1)
          return [
            ("fixed_noise_loss/\(timestep)", loss.adapted),
            ("fixed_noise_loss_of_base/\(timestep)", loss.base),
          ]
        })
    }
    return file
  }

  /// What a step is in numbers: its mean loss, and that of every timestep that it visited.
  private func scalars(_ items: [JSONObject]) -> [(tag: String, value: Double)] {
    let timesteps = Set(items.compactMap { $0["timestep"]?.double }).sorted(by: >)
    return [
      ("loss", meanLoss(items)),
      ("gradient_norm", items[0]["gradient_norm"]?.double ?? 0),
      ("learning_rate", items[0]["learning_rate"]?.double ?? 0),
    ]
      + timesteps.map { timestep in
        (
          "loss_at/\(Readable.fixed(timestep, places: 1))",
          meanLoss(items.filter { $0["timestep"]?.double == timestep })
        )
      }
  }

  private func meanLoss(_ items: [JSONObject]) -> Double {
    items.reduce(0) { $0 + ($1["loss"]?.double ?? 0) } / Double(items.count)
  }
}

extension [JSONObject] {
  /// Parts of neighbours with the same value of a key.
  fileprivate func chunks(by key: String) -> [[JSONObject]] {
    reduce(into: []) { chunks, row in
      if chunks.last?[0][key] == row[key], !chunks.isEmpty {
        chunks[chunks.count - 1].append(row)
      } else {
        chunks.append([row])
      }
    }
  }
}
