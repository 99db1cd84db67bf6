internal import Compute
internal import ModelLoading

extension WeightLoader {
  /// The convolution whose tensors are `name.weight` and `name.bias`.
  ///
  /// - Parameters:
  ///   - name: path of the module.
  ///   - inChannels: channels that come in.
  ///   - outChannels: channels that go out.
  ///   - side: side of the kernel.
  ///   - planes: planes of a kernel over time; nil for a kernel over pixels only.
  ///   - movement: how the kernel moves.
  /// - Returns: the convolution, its weights widened and reordered.
  /// - Throws: when a tensor is missing or of another shape.
  func convolution(
    _ name: String, from inChannels: Int, to outChannels: Int, side: Int = 3, planes: Int? = nil,
    movement: Convolution.Movement = .same
  ) throws(ModelError) -> Convolution {
    let shape = [outChannels, inChannels] + (planes.map { [$0] } ?? []) + [side, side]
    return Convolution(
      weight: try floats(name + ".weight", shape: shape),
      bias: try floats(name + ".bias", shape: [outChannels]), movement: movement)
  }
}
