internal import Compute
internal import DiffusionTransformers
internal import JSON
public import MessagePassing

extension Ranks {
  /// Gives what a run trains on to all ranks: the first one encoded it, the others need neither encoders nor
  /// pictures for it.
  ///
  /// - Parameter material: what is given; on other ranks nil.
  /// - Returns: what the first one gives.
  /// - Throws: `RankError`.
  public func broadcast(material: TrainingMaterial?) throws -> TrainingMaterial {
    guard isFirst else { return try MaterialReader(self).read(try broadcast(nil)) }
    guard let material else { preconditionFailure("the first rank has what is given") }
    var parcel = MaterialParcel()
    _ = try broadcast(parcel.json(material))
    for index in parcel.tensors.indices {
      try broadcast(&parcel.tensors[index], among: Array(0..<count))
    }
    return material
  }
}

/// Material as a document with the shapes of tensors in place of their elements, and the tensors in order.
private struct MaterialParcel {
  var tensors: [Tensor] = []

  private mutating func json(_ tensor: Tensor?) -> JSONValue {
    guard let tensor else { return .null }
    tensors.append(tensor)
    return .array(tensor.shape.map { .integer(Int64($0)) })
  }

  private mutating func json(_ conditioning: Conditioning?) -> JSONValue {
    guard let conditioning else { return .null }
    let text = json(conditioning.text)
    return ["text": text, "pooled": json(conditioning.pooled)]
  }

  private mutating func json(_ sample: TrainingSample) -> JSONValue {
    let (mean, deviation) = (json(sample.mean), json(sample.deviation))
    return [
      "name": .string(sample.name), "mean": mean, "deviation": deviation,
      "latent": .array(sample.latentShape.map { .integer(Int64($0)) }),
      "conditioning": json(sample.conditioning),
    ]
  }

  mutating func json(_ material: TrainingMaterial) -> JSONValue {
    var samples: [JSONValue] = []
    for sample in material.samples { samples.append(json(sample)) }
    let (empty, negative) = (json(material.empty), json(material.negative))
    guard let bank = material.trajectories else {
      return ["samples": .array(samples), "empty": empty, "negative": negative]
    }
    var walks: [JSONValue] = []
    for walk in bank.trajectories {
      var latents: [JSONValue] = []
      for latent in walk.latents { latents.append(json(latent)) }
      walks.append(.array(latents))
    }
    return [
      "samples": .array(samples), "empty": empty, "negative": negative,
      "per_sample": .integer(Int64(bank.perSample)), "walks": .array(walks),
    ]
  }
}

/// Reads what ``MaterialParcel`` wrote, and receives the tensors in the same order.
private struct MaterialReader {
  private let ranks: Ranks
  private let all: [Int]

  init(_ ranks: Ranks) {
    self.ranks = ranks
    all = Array(0..<ranks.count)
  }

  private var misunderstood: RankError {
    .lost(rank: 0, detail: "what it gives to train on is not understood")
  }

  private func tensor(_ json: JSONValue?) throws -> Tensor? {
    guard let sizes = json?.array else { return nil }
    let shape = sizes.compactMap(\.integer)
    guard shape.count == sizes.count, shape.allSatisfy({ $0 >= 0 }) else { throw misunderstood }
    var tensor = Tensor(shape: shape, repeating: 0)
    try ranks.broadcast(&tensor, among: all)
    return tensor
  }

  private func conditioning(_ json: JSONValue?) throws -> Conditioning? {
    guard let json, json != .null else { return nil }
    guard let text = try tensor(json["text"]) else { throw misunderstood }
    return Conditioning(text: text, pooled: try tensor(json["pooled"]))
  }

  private func sample(_ json: JSONValue) throws -> TrainingSample {
    let (mean, deviation) = (try tensor(json["mean"]), try tensor(json["deviation"]))
    guard let name = json["name"]?.string,
      let conditioning = try conditioning(json["conditioning"]),
      let shape = json["latent"]?.array?.compactMap(\.integer), shape.count == 3
    else { throw misunderstood }
    guard let mean else {
      return TrainingSample(name: name, latentShape: shape, conditioning: conditioning)
    }
    return TrainingSample(
      name: name, mean: mean, deviation: deviation, conditioning: conditioning)
  }

  func read(_ json: JSONValue) throws -> TrainingMaterial {
    var samples: [TrainingSample] = []
    for value in json["samples"]?.array ?? [] { samples.append(try sample(value)) }
    let (empty, negative) = (
      try conditioning(json["empty"]), try conditioning(json["negative"])
    )
    var bank: TrajectoryBank?
    if let walks = json["walks"]?.array, let perSample = json["per_sample"]?.integer {
      var trajectories: [Trajectory] = []
      for walk in walks {
        var latents: [Tensor] = []
        for latent in walk.array ?? [] {
          guard let latent = try tensor(latent) else { throw misunderstood }
          latents.append(latent)
        }
        trajectories.append(Trajectory(latents: latents))
      }
      bank = TrajectoryBank(perSample: perSample, trajectories)
    }
    return TrainingMaterial(
      samples: samples, empty: empty, negative: negative, trajectories: bank)
  }
}
