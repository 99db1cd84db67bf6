internal import ModelLoading

extension ModelConfiguration {
  /// Refuses a transformer whose output is not the velocity of its own input, as in variants for
  /// inpainting and control, and one whose tokens are no 2 x 2 cells of a latent.
  func requireTokenChannels(_ channels: Int, out: Int) throws(ModelError) {
    guard channels.isMultiple(of: 4) else {
      throw .configuration(
        file: file, key: "in_channels", expected: "a multiple of 4", found: "\(channels)")
    }
    guard out == channels else {
      throw .unsupported(
        file: file,
        detail: "the transformer takes \(channels) channels and gives \(out), as variants for "
          + "inpainting and control do; training and sampling support text to image, other "
          + "variants can be inspected, converted and merged")
    }
  }
}
