internal import Compute
internal import ModelLoading

extension WeightLoader {
  /// The convolution whose tensors are `name.weight` and `name.bias`.
  ///
  /// - Parameters:
  ///   - name: path of the module.
  ///   - inChannels: channels of its input.
  ///   - outChannels: channels of its output.
  ///   - size: height and width of the kernel.
  ///   - temporalTaps: length of the kernel's time axis; nil for a 2D convolution.
  ///   - sampling: how output and input pixels lie to each other.
  /// - Returns: the layer; its weight stays mapped.
  /// - Throws: when a tensor is missing or of another shape, or the bias is not finite.
  func convolution(
    _ name: String, from inChannels: Int, to outChannels: Int, size: Int = 3,
    temporalTaps: Int? = nil, sampling: Resampling = .same
  ) throws(ModelError) -> Convolution {
    let time = temporalTaps.map { [$0] } ?? []
    let weight = try stored(
      name + ".weight", shape: [outChannels, inChannels] + time + [size, size])
    let bias = try floats(name + ".bias", shape: [outChannels])
    return Convolution(weight: weight, bias: bias.floats, sampling: sampling)
  }

  /// The group norm whose tensors are `name.weight` and `name.bias`.
  func groupNorm(_ name: String, groups: Int, channels: Int) throws(ModelError) -> Normalization {
    .group(
      groups: groups,
      weight: try floats(name + ".weight", shape: [channels]).floats,
      bias: try floats(name + ".bias", shape: [channels]).floats)
  }

  /// The norm whose tensor is `name.gamma`, `[channels, 1, …]` with as many ones as the norm's input
  /// has axes for time and place.
  func unitNorm(_ name: String, channels: Int, trailingAxes: Int) throws(ModelError)
    -> Normalization
  {
    let shape = [channels] + Array(repeating: 1, count: trailingAxes)
    return .unit(gamma: try floats(name + ".gamma", shape: shape).floats)
  }
}

extension ModelConfiguration {
  /// Refuses a value that this toolkit can't compute with; an absent key has the value `fallback`.
  func require<Value: Equatable>(
    _ key: String, _ value: Value, among supported: Value...
  ) throws(ModelError) {
    guard supported.contains(value) else {
      let list = supported.map { "\($0)" }.joined(separator: " or ")
      throw .configuration(file: file, key: key, expected: list, found: "\(value)")
    }
  }
}
