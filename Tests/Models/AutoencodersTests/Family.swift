import Autoencoders
import Compute
import JSON
import ModelLoading
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// The families, with the tiny model that ships and the recording made with it.
enum Family: String, CaseIterable, CustomTestStringConvertible {
  case flux
  case qwen

  var testDescription: String { rawValue }

  var folder: FilePath {
    Fixtures.model(self == .flux ? "tiny-flux" : "tiny-qwen-image").appending("vae")
  }

  /// The members of config.json, some replaced; nil removes one.
  func configuration(_ changes: [String: JSONValue?] = [:]) throws -> ModelConfiguration {
    let file = folder.appending("config.json")
    var json = try #require(JSONValue(parsing: Fixtures.text(file)).object)
    for (key, value) in changes { json[key] = value }
    return try ModelConfiguration(.object(json), file: file)
  }

  /// The tensors, some replaced; nil removes one.
  func weights(_ changes: [String: TensorView?] = [:]) throws -> WeightLoader {
    let file = try SafetensorsFile(
      opening: folder.appending("diffusion_pytorch_model.safetensors"))
    let tensors = file.tensors.compactMap { tensor in
      if let change = changes[tensor.name] { change } else { tensor }
    }
    return WeightLoader(file: file.path, tensors: tensors)
  }

  /// The shipped model's autoencoder, or one from a changed configuration or changed tensors.
  func autoencoder(
    configuration: ModelConfiguration? = nil, weights: WeightLoader? = nil
  ) throws -> any Autoencoder {
    let configuration = try configuration ?? self.configuration()
    let weights = try weights ?? self.weights()
    switch self {
    case .flux: return try FluxAutoencoder(configuration: configuration, weights: weights)
    case .qwen: return try QwenImageAutoencoder(configuration: configuration, weights: weights)
    }
  }

  /// The only item of a recorded tensor, without its first axis.
  func recorded(_ name: String) throws -> Tensor {
    let view = try Goldens.open(rawValue, "vae.safetensors").tensor(named: name)
    try #require(view.shape.first == 1)
    return Tensor(shape: Array(view.shape.dropFirst()), view.floats())
  }
}
